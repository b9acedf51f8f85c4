// SPDX-License-Identifier: Apache-2.0
//
// A TFRecord is: length (8 bytes), its masked CRC, the bytes, their masked CRC.
#include "frontend/train/callbacks/EventFile.h"

#include "frontend/train/callbacks/Text.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <unistd.h>
#include <utility>

namespace cornet::train {
namespace {

constexpr auto crcTable = [] {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t remainder = i;
    for (int bit = 0; bit < 8; ++bit)
      remainder = remainder >> 1 ^ (remainder & 1 ? 0x82F63B78u : 0);
    table[i] = remainder;
  }
  return table;
}();

/// TensorFlow masks sums, so that a sum over bytes that hold sums is not degenerate.
uint32_t masked(std::string_view bytes) {
  uint32_t crc = crc32c(bytes);
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

template <class Number> std::string raw(Number value) {
  return std::string(reinterpret_cast<const char *>(&value), sizeof value);
}

double now() {
  using namespace std::chrono;
  return duration<double>(system_clock::now().time_since_epoch()).count();
}

Message shapeOf(const std::vector<int64_t> &extents) {
  Message shape;
  for (int64_t extent : extents)
    shape.message(2, Message().integer(1, extent)); // dim { size }
  return shape;
}

constexpr int scalarData = 1, tensorData = 2; // DataClass
constexpr int dtFloat = 1, dtDouble = 2;      // DataType

} // namespace

uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~0u;
  for (unsigned char byte : bytes)
    crc = crc >> 8 ^ crcTable[(crc ^ byte) & 0xFF];
  return ~crc;
}

std::vector<double> histogramBuckets(std::span<const float> values) {
  constexpr int64_t count = 30;
  double low = INFINITY, high = -INFINITY;
  for (float value : values)
    if (std::isfinite(value))
      low = std::min<double>(low, value), high = std::max<double>(high, value);
  if (low > high)
    return {};
  double width = (high - low) / count;
  std::vector<double> rows(count * 3);
  for (int64_t i = 0; i < count; ++i) {
    rows[i * 3] = low + width * double(i);
    rows[i * 3 + 1] = i + 1 == count ? high : low + width * double(i + 1);
  }
  for (float value : values)
    if (std::isfinite(value)) {
      int64_t bucket = width > 0 ? int64_t((double(value) - low) / width) : count - 1;
      ++rows[std::min(bucket, count - 1) * 3 + 2];
    }
  return rows;
}

EventFile::EventFile(const std::string &folder) {
  static std::atomic<int> made{0};
  char host[256] = "localhost", name[400];
  gethostname(host, sizeof host - 1);
  std::snprintf(name, sizeof name, "events.out.tfevents.%010lld.%s.%d.%d.v2", (long long)now(),
                host, int(getpid()), made++);
  path = (std::filesystem::path(folder) / name).string();
  std::error_code problem;
  std::filesystem::create_directories(folder, problem);
  file = std::fopen(path.c_str(), "wbe");
  if (!file)
    throw std::runtime_error("TensorBoard: cannot write '" + path + "': " + std::strerror(errno));
  Message version;
  version.bytes(3, "brain.Event:2");                 // file_version
  version.message(10, Message().bytes(1, "cornet")); // source_metadata { writer }
  event(version, 0);
}

EventFile::~EventFile() {
  flush();
  std::fclose(file);
}

void EventFile::flush() {
  failed |= std::fflush(file) != 0;
  if (failed && !std::exchange(told, true))
    warn("TensorBoard: '" + path + "' is not whole: " + std::strerror(errno));
}

void EventFile::record(const std::string &bytes) {
  std::string length = raw(uint64_t(bytes.size()));
  std::string whole = length + raw(masked(length)) + bytes + raw(masked(bytes));
  failed |= std::fwrite(whole.data(), 1, whole.size(), file) != whole.size();
}

void EventFile::event(const Message &content, int64_t step) {
  Message event;
  event.float64(1, now()).integer(2, step); // wall_time, step
  record(event.encoded() + content.encoded());
}

void EventFile::summary(const std::string &tag, const char *plugin, int dataClass,
                        const Message &tensor, int64_t step) {
  Message metadata; // plugin_data { plugin_name }, data_class
  metadata.message(1, Message().bytes(1, plugin)).integer(4, dataClass);
  Message value; // tag, tensor, metadata
  value.bytes(1, tag).message(8, tensor).message(9, metadata);
  event(Message().message(5, Message().message(1, value)), step); // summary { value }
}

void EventFile::scalar(const std::string &tag, double value, int64_t step) {
  Message tensor; // dtype, tensor_shape, float_val
  tensor.integer(1, dtFloat).message(2, shapeOf({})).bytes(5, raw(float(value)));
  summary(tag, "scalars", scalarData, tensor, step);
}

void EventFile::histogram(const std::string &tag, std::span<const float> values, int64_t step) {
  std::vector<double> rows = histogramBuckets(values);
  std::string_view bytes(reinterpret_cast<const char *>(rows.data()), rows.size() * sizeof(double));
  Message tensor; // dtype, tensor_shape, tensor_content
  tensor.integer(1, dtDouble).message(2, shapeOf({int64_t(rows.size()) / 3, 3})).bytes(4, bytes);
  summary(tag, "histograms", tensorData, tensor, step);
}

void EventFile::graph(const std::vector<TrainingControl::GraphNode> &nodes) {
  Message graph;
  for (const TrainingControl::GraphNode &node : nodes) {
    Message one; // name, op, input
    one.bytes(1, node.name).bytes(2, node.op);
    for (const std::string &input : node.inputs)
      one.bytes(3, input);
    Message shapes; // AttrValue { list { shape } }
    shapes.message(1, Message().message(7, shapeOf(node.shape)));
    one.message(5, Message().bytes(1, "_output_shapes").message(2, shapes)); // attr
    graph.message(1, one);
  }
  graph.message(4, Message().integer(1, 1)); // versions { producer }
  event(Message().message(4, graph), 0);     // graph_def
}

} // namespace cornet::train
