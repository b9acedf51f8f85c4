// SPDX-License-Identifier: Apache-2.0
// Arrays in and out of a session. Pointers are taken once, in bind(), so that invoke() is the
// runtime's call and nothing else: what `bench` times is what a product would see.
#include "Runner.h"
#include "Errors.h"

#include <fmt/format.h>

namespace cornet::cli {

DType typeOf(cornet_dtype type) {
  switch (type) {
  case CORNET_F32:
    return DType::F32;
  case CORNET_F64:
    return DType::F64;
  case CORNET_I32:
    return DType::I32;
  case CORNET_I64:
    return DType::I64;
  case CORNET_I1:
    return DType::Bool;
  }
  throw UserError(
      fmt::format("element type {} is not known to this cornet; use a newer one", int(type)));
}

namespace {

Port portOf(const cornet_tensor_spec &spec) {
  return {spec.name, typeOf(spec.dtype), std::vector<int64_t>(spec.shape, spec.shape + spec.rank)};
}

} // namespace

std::pair<std::vector<Port>, std::vector<Port>> portsOf(const cornet_program &program,
                                                        size_t entry) {
  std::vector<Port> inputs, outputs;
  cornet_tensor_spec spec;
  for (size_t i = 0, end = cornet_program_input_count(&program, entry); i < end; ++i) {
    check(cornet_program_input(&program, entry, i, &spec));
    inputs.push_back(portOf(spec));
  }
  for (size_t i = 0, end = cornet_program_output_count(&program, entry); i < end; ++i) {
    check(cornet_program_output(&program, entry, i, &spec));
    outputs.push_back(portOf(spec));
  }
  return {inputs, outputs};
}

Runner::Runner(const std::string &artifact, const std::string &entry, unsigned threads)
    : handle(openProgram(artifact)), session(openSession(*handle, threads)),
      index(entryNamed(*handle, entry)) {
  std::tie(inputPorts, outputPorts) = portsOf(*handle, index);
}

void Runner::loadState(const std::string &path) {
  if (cornet_program_variable_count(handle.get()) == 0)
    throw UserError(path + ": this artifact has no variables; a state is of one that trains");
  check(cornet_session_load(session.get(), path.c_str()));
}

void Runner::bind(std::vector<Array> arrays) {
  inputArrays = std::move(arrays);
  inputPointers.clear(), resultArrays.clear(), resultPointers.clear();
  rows = 1;
  for (size_t i = 0; i < inputArrays.size(); ++i) {
    if (inputPorts[i].batched())
      rows = uint64_t(inputArrays[i].shape[0]);
    inputPointers.push_back(inputArrays[i].bytes.data());
  }
  for (const Port &port : outputPorts) {
    std::vector<int64_t> shape = port.shape;
    if (port.batched())
      shape[0] = int64_t(rows);
    resultArrays.emplace_back(port.type, shape);
  }
  for (Array &array : resultArrays)
    resultPointers.push_back(array.bytes.data());
}

void Runner::invoke() {
  check(cornet_session_invoke(session.get(), index, rows, inputPointers.data(),
                              resultPointers.data()));
}

void Runner::profile(size_t plan, std::vector<uint64_t> &nanoseconds) {
  if (cornet_program_plan_batch(handle.get(), index, plan) != rows)
    throw std::logic_error("profile() with another number of rows than the plan's");
  nanoseconds.assign(cornet_program_step_count(handle.get(), index, plan), 0);
  check(cornet_session_profile(session.get(), index, plan, inputPointers.data(),
                               resultPointers.data(), nanoseconds.data()));
}

double Runner::selfTest() {
  double largest = 0;
  check(cornet_session_self_test(session.get(), &largest));
  return largest;
}

} // namespace cornet::cli
