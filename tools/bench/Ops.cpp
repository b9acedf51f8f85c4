// SPDX-License-Identifier: Apache-2.0
//
// Times of every op of the op table, batch 1, one thread; where oneDNN has the op, on the same
// data, so that the ratio is of one run:
//
//     taskset -c 0 build/release/bin/ops_bench [--benchmark_filter=conv]
#include "tests/codegen/OpTable.h"

#include "codegen/Compile.h"
#include "frontend/emit/Emit.h"

#include "cornet_runtime.h"

#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <unistd.h>

#ifdef CORNET_ONEDNN
#include <dnnl.hpp>
#endif

namespace {

using namespace cornet;

[[noreturn]] void fail(const std::string &why) {
  std::fprintf(stderr, "ops_bench: error: %s\n", why.c_str());
  std::exit(1);
}

void check(cornet_status *status) {
  if (status)
    fail(cornet_status_message(status));
}

size_t cellsOf(const cornet_tensor_spec &spec) {
  size_t count = 1;
  for (size_t d = 1; d < spec.rank; ++d)
    count *= size_t(spec.shape[d]);
  return count;
}

/// A compiled row with its inputs and outputs bound.
struct Compiled {
  cornet_program *program = nullptr;
  cornet_session *session = nullptr;
  std::vector<std::vector<float>> memory;
  std::vector<const void *> inputs;
  std::vector<void *> outputs;

  explicit Compiled(const optable::Row &row) {
    mlir::DialectRegistry registry;
    registerCompilerDialects(registry);
    mlir::MLIRContext context(registry);
    mlir::OwningOpRef<mlir::ModuleOp> module = emitModel(context, optable::modelOf(row, true));
    std::string path = "/tmp/ops-bench-" + std::to_string(getpid()) + ".cornet";
    CompileOptions options;
    options.selfTest = false;
    if (llvm::Error error = compileToFile(*module, options, path))
      fail(std::string(row.op) + ": " + toString(std::move(error)));
    check(cornet_program_open(path.c_str(), &program));
    unlink(path.c_str());
    check(cornet_session_create(program, nullptr, &session));
    cornet_tensor_spec spec;
    memory.reserve(16);
    for (size_t i = 0; i < cornet_program_input_count(program, 0); ++i) {
      check(cornet_program_input(program, 0, i, &spec));
      memory.emplace_back(cellsOf(spec), spec.dtype == CORNET_F32 ? 0.5f : 0.0f);
      inputs.push_back(memory.back().data());
    }
    check(cornet_program_output(program, 0, 0, &spec));
    memory.emplace_back(cellsOf(spec));
    outputs.push_back(memory.back().data());
  }
  ~Compiled() {
    cornet_session_destroy(session);
    cornet_program_destroy(program);
  }
};

void ours(benchmark::State &state, const optable::Row *row) {
  Compiled compiled(*row);
  for (auto _ : state)
    check(cornet_session_invoke(compiled.session, 0, 1, compiled.inputs.data(),
                                compiled.outputs.data()));
}

#ifdef CORNET_ONEDNN
using Memory = dnnl::memory;

Memory filled(const Memory::desc &desc, const dnnl::engine &engine) {
  Memory memory(desc, engine);
  std::fill_n(static_cast<float *>(memory.get_data_handle()), desc.get_size() / 4, 0.5f);
  return memory;
}

/// conv, depthwise_conv or matmul by oneDNN, weights in the layout it likes best.
void theirs(benchmark::State &state, const optable::Row *row) {
  using tag = Memory::format_tag;
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  auto f32 = Memory::data_type::f32;
  Shape x = row->operands[0].large, w = row->operands[1].large;
  std::unique_ptr<dnnl::primitive> primitive;
  std::unordered_map<int, Memory> arguments;
  auto bind = [&](const auto &desc) {
    primitive = std::make_unique<dnnl::primitive>(desc);
    arguments = {{DNNL_ARG_SRC, filled(desc.src_desc(), engine)},
                 {DNNL_ARG_WEIGHTS, filled(desc.weights_desc(), engine)},
                 {DNNL_ARG_DST, filled(desc.dst_desc(), engine)}};
  };
  if (std::string(row->op) == "matmul") {
    bool batched = w.size() == 3;
    Memory::dims a = batched ? Memory::dims{1, x[1], x[2]} : Memory::dims{1, x[1]},
                 b = batched ? Memory::dims{1, w[1], w[2]} : Memory::dims{w[0], w[1]}, c = a;
    c.back() = b.back();
    bind(dnnl::matmul::primitive_desc(engine, {a, f32, batched ? tag::abc : tag::ab},
                                      {b, f32, batched ? tag::abc : tag::any},
                                      {c, f32, batched ? tag::abc : tag::ab}));
  } else {
    bool depthwise = std::string(row->op) == "depthwise_conv";
    int64_t C = x[3], groups = depthwise ? C : C / w[2], O = depthwise ? C * w[3] : w[3];
    Memory::dims kernel = groups == 1 ? Memory::dims{O, C, w[0], w[1]}
                                      : Memory::dims{groups, O / groups, C / groups, w[0], w[1]};
    Memory::dims in{1, C, x[1], x[2]}, out{1, O, x[1], x[2]}, one{1, 1};
    bind(dnnl::convolution_forward::primitive_desc(
        engine, dnnl::prop_kind::forward_inference, dnnl::algorithm::convolution_auto,
        {in, f32, tag::nhwc}, {kernel, f32, tag::any}, {out, f32, tag::nhwc}, one, one, one));
  }
  for (auto _ : state) {
    primitive->execute(stream, arguments);
    stream.wait();
  }
}
#endif

} // namespace

int main(int argc, char **argv) {
  setenv("OMP_NUM_THREADS", "1", 1);
  benchmark::Initialize(&argc, argv);
  int number = 0;
  for (const optable::Row &row : optable::rows()) {
    std::string name = std::to_string(number++) + "/" + row.op, op = row.op;
    if (optable::modelOf(row, true).outputs[0].shape()[0] != -1)
      continue; // no result of an entry point: it has no batch
    benchmark::RegisterBenchmark((name + "/cornet").c_str(), ours, &row)
        ->Unit(benchmark::kMicrosecond);
#ifdef CORNET_ONEDNN
    if (op == "matmul" || op == "conv" || op == "depthwise_conv")
      benchmark::RegisterBenchmark((name + "/onednn").c_str(), theirs, &row)
          ->Unit(benchmark::kMicrosecond);
#endif
  }
  benchmark::RunSpecifiedBenchmarks();
}
