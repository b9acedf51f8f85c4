// SPDX-License-Identifier: Apache-2.0
//
// Segments are laid out first (their sizes are known), the program is built with their places and
// hashes, then everything is written in order: header, program, segments.
#include "codegen/artifact/Writer.h"

#include "runtime/schema/Header.h"
#include "runtime/schema/Sha256.h"
#include "runtime/schema/cornet_generated.h"

#include "llvm/ADT/StringSwitch.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/raw_ostream.h"

using namespace mlir;

namespace cornet::artifact {
namespace {

using Builder = flatbuffers::FlatBufferBuilder;

uint64_t up(uint64_t value, uint64_t to) { return (value + to - 1) / to * to; }

fb::DType dtype(Type type) {
  return type.isF64()         ? fb::DType_f64
         : type.isInteger(32) ? fb::DType_i32
         : type.isInteger(64) ? fb::DType_i64
         : type.isInteger(1)  ? fb::DType_i1
                              : fb::DType_f32;
}

auto port(Builder &b, const Port &port) {
  std::vector<int64_t> shape(port.type.getShape());
  if (port.batched)
    shape[0] = -1;
  return fb::CreateTensorSpecDirect(b, port.name.c_str(), dtype(port.type.getElementType()),
                                    &shape);
}

auto plan(Builder &b, plan::EntryOp plan, const std::vector<std::string> &kernels) {
  std::vector<flatbuffers::Offset<fb::Buffer>> buffers;
  std::vector<flatbuffers::Offset<fb::Step>> steps;
  llvm::DenseMap<Value, uint32_t> indices;
  for (auto buffer : plan.getBody().front().getOps<plan::BufferOp>()) {
    auto storage = llvm::StringSwitch<fb::Storage>(buffer.getStorage())
                       .Case("weights", fb::Storage_weights)
                       .Case("input", fb::Storage_input)
                       .Case("output", fb::Storage_output)
                       .Case("variable", fb::Storage_variable)
                       .Default(fb::Storage_arena);
    indices[buffer.getResult()] = uint32_t(buffers.size());
    std::vector<uint64_t> turns(buffer.getTurns().begin(), buffer.getTurns().end());
    buffers.push_back(fb::CreateBufferDirect(b, storage, uint32_t(buffer.getIndex()),
                                             buffer.getOffset(), buffer.getSize(), buffer.getRing(),
                                             buffer.getPeriod(), turns.empty() ? nullptr : &turns));
  }
  for (auto step : plan.getBody().front().getOps<plan::StepOp>()) {
    std::vector<uint32_t> operands;
    for (Value buffer : step.getBuffers())
      operands.push_back(indices.lookup(buffer));
    std::vector<uint64_t> bands(step.getBands().begin(), step.getBands().end());
    auto kernel = llvm::find(kernels, step.getKernel()) - kernels.begin();
    steps.push_back(fb::CreateStepDirect(
        b, step.getLayer().str().c_str(), step.getSummary().str().c_str(),
        step.getImplementation().str().c_str(), uint32_t(kernel), &operands, step.getTiles(),
        step.getScratch(), uint64_t(step.getWork()[0]), uint64_t(step.getWork()[1]),
        uint64_t(step.getWork()[2]), uint64_t(step.getWork()[3]), bands.empty() ? nullptr : &bands,
        step.getFollows()));
  }
  return fb::CreatePlanDirect(b, plan.getBatch(), plan.getArena(), &buffers, &steps,
                              plan.getRings(), plan.getBanded());
}

auto entry(Builder &b, const Entry &entry, const std::vector<std::string> &kernels) {
  std::vector<flatbuffers::Offset<fb::TensorSpec>> inputs, outputs;
  std::vector<flatbuffers::Offset<fb::Plan>> plans;
  for (const Port &p : entry.inputs)
    inputs.push_back(port(b, p));
  for (const Port &p : entry.outputs)
    outputs.push_back(port(b, p));
  for (plan::EntryOp p : entry.plans)
    plans.push_back(plan(b, p, kernels));
  return fb::CreateEntryDirect(b, entry.name.c_str(), &inputs, &outputs, &plans, entry.whole);
}

struct Segment {
  uint64_t size;
  std::array<uint8_t, 32> hash;
  std::function<void(llvm::raw_ostream &)> write;
};

/// The bytes of one constant, splats expanded.
void writeConstant(llvm::function_ref<void(const char *, size_t)> sink, ElementsAttr value) {
  auto dense = cast<DenseElementsAttr>(value);
  ArrayRef<char> raw = dense.getRawData();
  int64_t times = dense.isSplat() ? value.getNumElements() : 1;
  if (value.getElementType().isInteger(1)) {
    for (bool bit : dense.getValues<bool>()) {
      char byte = bit;
      sink(&byte, 1);
    }
    return;
  }
  for (int64_t i = 0; i < times; ++i)
    sink(raw.data(), raw.size());
}

void writeWeights(const Weights &weights, llvm::function_ref<void(const char *, size_t)> sink) {
  static const char zeros[kBufferAlignment] = {};
  uint64_t at = 0;
  for (auto [value, offset] : weights.all()) {
    sink(zeros, offset - at);
    at = offset;
    writeConstant(
        [&](const char *data, size_t size) {
          sink(data, size);
          at += size;
        },
        value);
  }
  sink(zeros, weights.size() - at);
}

Segment weightsSegment(const Weights &weights) {
  Sha256 hash;
  writeWeights(weights, [&](const char *data, size_t size) { hash.update(data, size); });
  return {weights.size(), hash.finish(), [&](llvm::raw_ostream &os) {
            writeWeights(weights, [&](const char *data, size_t size) { os.write(data, size); });
          }};
}

Segment bytesSegment(const void *data, size_t size) {
  return {size, Sha256::of(data, size),
          [=](llvm::raw_ostream &os) { os.write(static_cast<const char *>(data), size); }};
}

/// The program, for segments that start at `offsets`. Its size does not depend on their values.
Builder build(const Artifact &artifact, ArrayRef<Segment> segments, ArrayRef<uint64_t> offsets) {
  Builder b(1 << 16);
  b.ForceDefaults(true);
  std::vector<flatbuffers::Offset<fb::Variant>> variants;
  for (auto [v, variant] : llvm::enumerate(artifact.variants)) {
    std::vector<flatbuffers::Offset<fb::Entry>> entries;
    for (const Entry &e : variant.entries)
      entries.push_back(entry(b, e, variant.kernels));
    auto kernels = b.CreateVectorOfStrings(variant.kernels);
    variants.push_back(fb::CreateVariant(b, b.CreateString(variant.isa), uint32_t(v + 1), 0,
                                         kernels, b.CreateVector(entries)));
  }
  std::vector<flatbuffers::Offset<fb::Segment>> table;
  for (auto [segment, offset] : llvm::zip(segments, offsets))
    table.push_back(
        fb::CreateSegment(b, offset, segment.size, b.CreateVector(segment.hash.data(), 32)));
  flatbuffers::Offset<fb::SelfTest> test;
  if (!artifact.selfTest.entry.empty())
    test = fb::CreateSelfTestDirect(b, artifact.selfTest.entry.c_str(), artifact.selfTest.batch,
                                    uint32_t(segments.size() - 1), artifact.selfTest.absolute,
                                    artifact.selfTest.relative);
  std::vector<flatbuffers::Offset<fb::KeyValue>> facts;
  for (const auto &[key, value] : artifact.provenance)
    facts.push_back(fb::CreateKeyValueDirect(b, key.c_str(), value.c_str()));
  std::vector<flatbuffers::Offset<fb::Variable>> variables;
  for (auto [known, offset] : llvm::zip(artifact.variables, artifact.variableOffsets)) {
    VariableOp variable = known;
    auto type = cast<RankedTensorType>(variable.getValue().getType());
    std::vector<int64_t> shape(type.getShape());
    variables.push_back(fb::CreateVariableDirect(b, variable.getSymName().str().c_str(),
                                                 dtype(type.getElementType()), &shape,
                                                 variable.getTrainable(), offset));
  }
  auto program = fb::CreateProgram(
      b, kSchema, b.CreateString(artifact.model), b.CreateVector(variants), b.CreateVector(table),
      test, b.CreateVector(facts), b.CreateVector(variables), artifact.variableBytes);
  fb::FinishProgramBuffer(b, program);
  return b;
}

} // namespace

llvm::Expected<uint64_t> write(const Artifact &artifact, StringRef path) {
  std::vector<Segment> segments{weightsSegment(artifact.weights)};
  for (const Variant &variant : artifact.variants)
    segments.push_back(bytesSegment(variant.code.data(), variant.code.size()));
  if (!artifact.selfTest.entry.empty())
    segments.push_back(
        bytesSegment(artifact.selfTest.data.data(), artifact.selfTest.data.size() * sizeof(float)));
  std::vector<uint64_t> offsets(segments.size(), 0);
  Builder sized = build(artifact, segments, offsets);
  uint64_t end = sizeof(Header) + sized.GetSize();
  for (auto [segment, offset] : llvm::zip(segments, offsets)) {
    offset = up(end, kSegmentAlignment);
    end = offset + segment.size;
  }
  Builder program = build(artifact, segments, offsets);
  Header header{};
  std::copy_n(kMagic, 8, header.magic);
  header.fileSize = end, header.programOffset = sizeof(Header),
  header.programSize = program.GetSize();
  auto hash = Sha256::of(program.GetBufferPointer(), program.GetSize());
  std::copy(hash.begin(), hash.end(), header.programSha256);

  llvm::Error error = llvm::writeToOutput(path, [&](llvm::raw_ostream &os) -> llvm::Error {
    uint64_t at = 0;
    auto put = [&](uint64_t offset, uint64_t size) {
      os.write_zeros(unsigned(offset - at));
      at = offset + size;
    };
    os.write(reinterpret_cast<const char *>(&header), sizeof header);
    os.write(reinterpret_cast<const char *>(program.GetBufferPointer()), program.GetSize());
    at = sizeof header + program.GetSize();
    for (auto [segment, offset] : llvm::zip(segments, offsets)) {
      put(offset, segment.size);
      segment.write(os);
    }
    return llvm::Error::success();
  });
  if (error)
    return llvm::createStringError("cannot write " + path + ": " + toString(std::move(error)));
  return end;
}

} // namespace cornet::artifact
