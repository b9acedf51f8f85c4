// SPDX-License-Identifier: Apache-2.0
//
// One event file of TensorBoard: records of TFRecord framing, each an Event message of TensorFlow.
// Field numbers are those of tensorflow/core/util/event.proto and framework/{summary,tensor,graph}
// .proto; summaries have TensorFlow 2's form, a tensor with the name of the plugin that shows it.
#pragma once

#include "frontend/train/callbacks/Wire.h"

#include <cornet/callbacks.h>

#include <cstdio>
#include <span>

namespace cornet::train {

/// CRC-32C (Castagnoli; RFC 3720, B.4).
uint32_t crc32c(std::string_view bytes);
/// TensorFlow's buckets of a histogram: 30 rows of {left edge, right edge, count}, equally wide
/// from the least to the greatest value; where these are equal, the last bucket has all. Values
/// that are not finite are left out; no values, no rows.
std::vector<double> histogramBuckets(std::span<const float> values);

class EventFile {
public:
  /// Makes `folder` and a new file in it. Throws std::runtime_error when that cannot be.
  explicit EventFile(const std::string &folder);
  ~EventFile();
  EventFile(const EventFile &) = delete;
  EventFile &operator=(const EventFile &) = delete;

  void scalar(const std::string &tag, double value, int64_t step);
  void histogram(const std::string &tag, std::span<const float> values, int64_t step);
  void graph(const std::vector<TrainingControl::GraphNode> &nodes);
  /// Brings what was written to where readers see it. A failure to write is told once, as a
  /// warning: training does not end because its log's disk is full.
  void flush();

private:
  void event(const Message &content, int64_t step);
  void summary(const std::string &tag, const char *plugin, int dataClass, const Message &tensor,
               int64_t step);
  void record(const std::string &bytes);

  std::string path;
  std::FILE *file;
  bool failed = false, told = false;
};

} // namespace cornet::train
