// SPDX-License-Identifier: Apache-2.0
// How near each step of a plan comes to what the machine can do, and why not nearer. A step's roof
// is the longer of two times: its operations at the measured peak; its weights at the read
// bandwidth of the level that all weights and activations of the plan fit into (between two calls
// all of them pass by), and its other bytes at the bandwidth of the level that they fit into
// together with what the step before passed through the caches.
#pragma once

#include "Peaks.h"
#include "StepTimes.h"

#include "Context.h"

namespace cornet::cli {

struct RoofedStep {
  StepTime step;
  double compute = 0, memory = 0; ///< nanoseconds at the roof
  const MemoryLevel *level = nullptr, *weightsLevel = nullptr;
  std::string dots;                 ///< whose products it adds: "bf16", "i8", or empty for f32
  std::vector<std::string> reasons; ///< why it is below 85 % of compute or 80 % of memory

  double roof() const { return compute > memory ? compute : memory; }
  double lost() const { return step.nanoseconds > roof() ? step.nanoseconds - roof() : 0; }
  double share() const { return step.nanoseconds > 0 ? roof() / step.nanoseconds : 0; }
  bool boundByCompute() const { return compute >= memory; }
};

/// `arena`: bytes of the plan's activations. `lanes`: f32 in a vector of the kernels. Most time
/// lost comes first. `peaks` must outlive the result.
std::vector<RoofedStep> roofsOf(const std::vector<StepTime> &steps, const Peaks &peaks,
                                uint64_t arena, unsigned lanes);

std::string rooflineText(const std::vector<RoofedStep> &steps, const Peaks &peaks);
/// {"peaks": ..., "steps": [...], "totals": ...}
Json rooflineJson(const std::vector<RoofedStep> &steps, const Peaks &peaks);

} // namespace cornet::cli
