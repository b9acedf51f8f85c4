// SPDX-License-Identifier: Apache-2.0
#include "ArtifactTraining.h"
#include "Errors.h"
#include "frontend/data/Order.h"

#include <algorithm>
#include <cstring>
#include <filesystem>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <numeric>

namespace cornet::cli {
namespace {

std::optional<size_t> findEntry(const cornet_program &program, std::string_view name) {
  for (size_t i = 0, end = cornet_program_entry_count(&program); i < end; ++i)
    if (name == cornet_program_entry_name(&program, i))
      return i;
  return std::nullopt;
}

size_t rowBytes(const Array &array) { return array.bytes.size() / size_t(array.shape[0]); }

} // namespace

ArtifactTraining::ArtifactTraining(const std::string &artifact, unsigned threads)
    : program(openProgram(artifact)), session(openSession(*program, threads)) {
  std::optional<size_t> step = findEntry(*program, "train_step");
  if (!step)
    throw UserError(fmt::format("{}: has no entry point train_step, so it only runs; make one that "
                                "trains from the model: cornet train MODEL DATA -o OUT.cornet",
                                artifact));
  trainStep = *step;
  evaluateStep = findEntry(*program, "evaluate_step");
  readMetrics = findEntry(*program, "read_metrics");
  resetMetrics = findEntry(*program, "reset_metrics");
  std::vector<Port> ports = portsOf(*program, trainStep).first;
  if (!ports.empty() && ports.back().name == "sample_weight")
    weighted = true, ports.pop_back();
  auto isTarget = [](const Port &port) { return port.name.starts_with("target_"); };
  auto firstTarget = std::find_if(ports.begin(), ports.end(), isTarget);
  inputPorts.assign(ports.begin(), firstTarget);
  targetPorts.assign(firstTarget, ports.end());
}

std::vector<int64_t> ArtifactTraining::outputShape(size_t index) const {
  std::optional<size_t> predict = findEntry(*program, "predict");
  std::vector<Port> outputs = predict ? portsOf(*program, *predict).second : std::vector<Port>();
  return index < outputs.size() ? outputs[index].shape : std::vector<int64_t>();
}

bool ArtifactTraining::serves(size_t entry, int64_t rows) const {
  for (size_t plan = 0, end = cornet_program_plan_count(program.get(), entry); plan < end; ++plan)
    if (cornet_program_plan_batch(program.get(), entry, plan) == uint64_t(rows))
      return true;
  return false;
}

int64_t ArtifactTraining::batchFor(int64_t wanted, int64_t rows) const {
  std::vector<int64_t> plans;
  for (size_t i = 0, end = cornet_program_plan_count(program.get(), trainStep); i < end; ++i)
    plans.push_back(int64_t(cornet_program_plan_batch(program.get(), trainStep, i)));
  int64_t best = 0;
  for (int64_t each : plans)
    if ((wanted ? each == wanted : true) && each <= rows)
      best = std::max(best, each);
  if (!best)
    throw UserError(fmt::format(
        "the training step is compiled for batches of {} rows, {}", fmt::join(plans, ", "),
        std::find(plans.begin(), plans.end(), wanted) == plans.end() && wanted
            ? fmt::format("not of {}; choose one of them by --batch-size", wanted)
            : fmt::format("and the data have {}; give more", rows)));
  return best;
}

int64_t ArtifactTraining::dropped(int64_t batch, int64_t rows) const {
  int64_t rest = rows % batch;
  return rest && serves(trainStep, rest) ? 0 : rest;
}

bool ArtifactTraining::loadState(const std::string &path) {
  if (!std::filesystem::exists(path))
    return false;
  check(cornet_session_load(session.get(), path.c_str()));
  return true;
}

void ArtifactTraining::saveState(const std::string &path) const {
  check(cornet_session_save(session.get(), path.c_str()));
}

void *ArtifactTraining::cellsOf(std::string_view ending, cornet_dtype type) const {
  for (size_t i = 0, end = cornet_program_variable_count(program.get()); i < end; ++i) {
    cornet_variable_spec spec;
    check(cornet_program_variable(program.get(), i, &spec));
    if (std::string_view(spec.name).ends_with(ending) && spec.dtype == type && spec.bytes == 4)
      return cornet_session_variable(session.get(), i);
  }
  return nullptr;
}

void ArtifactTraining::setLearningRate(double rate) {
  auto *cell = static_cast<float *>(cellsOf("/learning_rate", CORNET_F32));
  if (!cell)
    throw UserError("--learning-rate: a schedule rules this artifact's rate");
  *cell = float(rate);
}

int64_t ArtifactTraining::passesDone(int64_t batch, int64_t rows) const {
  auto *cell = static_cast<const int32_t *>(cellsOf("/iterations", CORNET_I32));
  int64_t steps = rows / batch + (rows % batch != 0 && !dropped(batch, rows));
  return cell && steps ? *cell / steps : 0;
}

ArtifactTraining::Metrics ArtifactTraining::read() {
  Metrics out;
  if (!readMetrics)
    return out;
  std::vector<Port> ports = portsOf(*program, *readMetrics).second;
  std::vector<float> values(ports.size());
  std::vector<void *> pointers;
  for (float &value : values)
    pointers.push_back(&value);
  check(cornet_session_invoke(session.get(), *readMetrics, 1, nullptr, pointers.data()));
  for (size_t i = 0; i < ports.size(); ++i)
    out.emplace_back(ports[i].name, double(values[i]));
  return out;
}

ArtifactTraining::Metrics ArtifactTraining::pass(size_t entry, const Samples &samples,
                                                 const std::vector<int64_t> &order, int64_t batch,
                                                 const std::map<int64_t, double> &classes,
                                                 const std::function<void(double)> &progress) {
  if (resetMetrics)
    check(cornet_session_invoke(session.get(), *resetMetrics, 1, nullptr, nullptr));
  std::vector<const Array *> arrays;
  for (const std::vector<Array> *each : {&samples.x, &samples.y})
    for (const Array &array : *each)
      arrays.push_back(&array);
  std::vector<std::vector<std::byte>> buffers;
  std::vector<const void *> pointers;
  for (const Array *array : arrays) {
    buffers.emplace_back(size_t(batch) * rowBytes(*array));
    pointers.push_back(buffers.back().data());
  }
  std::vector<float> weights(size_t(batch), 1);
  if (weighted)
    pointers.push_back(weights.data());
  // A step of the user's own may give something; nobody looks at it.
  std::vector<std::vector<std::byte>> ignored;
  std::vector<void *> results;
  for (const Port &port : portsOf(*program, entry).second) {
    size_t cells = size_t(port.batched() ? batch : 1);
    for (size_t d = port.batched(); d < port.shape.size(); ++d)
      cells *= size_t(port.shape[d]);
    ignored.emplace_back(cells * sizeOf(port.type)), results.push_back(ignored.back().data());
  }
  int64_t rows = samples.rows();
  for (int64_t at = 0; at < rows; at += batch) {
    int64_t size = std::min(batch, rows - at);
    if (size < batch && !serves(entry, size))
      break;
    for (int64_t r = 0; r < size; ++r) {
      size_t row = size_t(order[size_t(at + r)]);
      for (size_t a = 0; a < arrays.size(); ++a)
        std::memcpy(buffers[a].data() + size_t(r) * rowBytes(*arrays[a]),
                    arrays[a]->bytes.data() + row * rowBytes(*arrays[a]), rowBytes(*arrays[a]));
      if (!classes.empty()) {
        auto it = classes.find(int64_t(samples.y[0].at(int64_t(row))));
        weights[size_t(r)] = it == classes.end() ? 1 : float(it->second);
      }
    }
    check(cornet_session_invoke(session.get(), entry, uint64_t(size), pointers.data(),
                                results.data()));
    if (progress)
      progress(double(at + size) / double(rows));
  }
  return read();
}

ArtifactTraining::Metrics ArtifactTraining::train(const Samples &samples, int64_t batch,
                                                  std::optional<uint64_t> shuffleSeed,
                                                  const std::map<int64_t, double> &classes,
                                                  const std::function<void(double)> &progress) {
  if (!classes.empty() &&
      (!weighted || targetPorts.size() != 1 || targetPorts[0].shape.size() != 1))
    throw UserError("--class-weight: this artifact's training step takes no weights; make it from "
                    "the model with --class-weight");
  std::vector<int64_t> order(size_t(samples.rows()));
  std::iota(order.begin(), order.end(), 0);
  if (shuffleSeed)
    order = data::shuffledOrder(samples.rows(), *shuffleSeed,
                                uint64_t(passesDone(batch, samples.rows())));
  return pass(trainStep, samples, order, batch, classes, progress);
}

ArtifactTraining::Metrics ArtifactTraining::evaluate(const Samples &samples, int64_t batch) {
  std::vector<int64_t> order(size_t(samples.rows()));
  std::iota(order.begin(), order.end(), 0);
  return pass(*evaluateStep, samples, order, batch, {}, {});
}

} // namespace cornet::cli
