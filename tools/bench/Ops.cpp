// SPDX-License-Identifier: Apache-2.0
//
// Times of every op of the op table, batch 1, one thread, of functions and normalizations on data
// in the second-level cache (math/, rows/), and of products of 8-bit integers from f32 to f32
// (bytes/); where oneDNN has the op, on the same data, so that the ratio is of one run:
//
//     taskset -c 0 build/release/bin/ops_bench [--benchmark_filter=conv]
#include "tests/codegen/OpTable.h"

#include "codegen/Compile.h"
#include "frontend/emit/Emit.h"

#include "cornet_runtime.h"

#include <benchmark/benchmark.h>
#include <cstdio>
#include <cstdlib>
#include <cstring>
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

  explicit Compiled(const Model &model, int64_t rows = 1) {
    mlir::DialectRegistry registry;
    registerCompilerDialects(registry);
    mlir::MLIRContext context(registry);
    mlir::OwningOpRef<mlir::ModuleOp> module = emitModel(context, model);
    std::string path = "/tmp/ops-bench-" + std::to_string(getpid()) + ".cornet";
    CompileOptions options;
    options.selfTest = false, options.batches = {rows};
    if (llvm::Error error = compileToFile(*module, options, path))
      fail(model.name + ": " + toString(std::move(error)));
    check(cornet_program_open(path.c_str(), &program));
    unlink(path.c_str());
    check(cornet_session_create(program, nullptr, &session));
    cornet_tensor_spec spec;
    memory.reserve(16);
    for (size_t i = 0; i < cornet_program_input_count(program, 0); ++i) {
      check(cornet_program_input(program, 0, i, &spec));
      memory.emplace_back(cellsOf(spec) * size_t(rows), spec.dtype == CORNET_F32 ? 0.5f : 0.0f);
      inputs.push_back(memory.back().data());
    }
    check(cornet_program_output(program, 0, 0, &spec));
    memory.emplace_back(cellsOf(spec) * size_t(rows));
    outputs.push_back(memory.back().data());
  }
  ~Compiled() {
    cornet_session_destroy(session);
    cornet_program_destroy(program);
  }
};

void ours(benchmark::State &state, const optable::Row *row) {
  Compiled compiled(optable::modelOf(*row, true));
  for (auto _ : state)
    check(cornet_session_invoke(compiled.session, 0, 1, compiled.inputs.data(),
                                compiled.outputs.data()));
}

/// `rows` rows of `columns` cells through one op or layer.
struct Chain {
  const char *name;
  Tensor (*apply)(const Tensor &);
  int64_t rows, columns;
  int algorithm = 0; ///< oneDNN's for functions; softmax and layer normalization by name
};

Tensor softmax(const Tensor &x) { return ops::record("softmax", {x}, {{"axis", int64_t(-1)}}); }
Tensor gelu(const Tensor &x, bool approximate) {
  return ops::record("gelu", {x}, {{"approximate", approximate}});
}

const std::vector<Chain> &chains() {
  constexpr int64_t R = 16, C = 4096; // 256 KiB in, 256 KiB out
  static const std::vector<Chain> table = {
      {"math/relu", [](const Tensor &x) { return ops::record("relu", {x}); }, R, C, 16},
      {"math/exp", [](const Tensor &x) { return ops::record("exp", {x}); }, R, C, 1},
      {"math/log", [](const Tensor &x) { return ops::record("log", {x}); }, R, C, 2},
      {"math/tanh", [](const Tensor &x) { return ops::record("tanh", {x}); }, R, C, 3},
      {"math/sigmoid", [](const Tensor &x) { return ops::record("sigmoid", {x}); }, R, C, 4},
      {"math/swish", [](const Tensor &x) { return ops::record("silu", {x}); }, R, C, 5},
      {"math/gelu_erf", [](const Tensor &x) { return gelu(x, false); }, R, C, 6},
      {"math/gelu_tanh", [](const Tensor &x) { return gelu(x, true); }, R, C, 7},
      {"math/softplus", [](const Tensor &x) { return ops::record("softplus", {x}); }, R, C, 8},
      {"math/erf", [](const Tensor &x) { return ops::record("erf", {x}); }, R, C},
      {"math/rsqrt", [](const Tensor &x) { return ops::record("rsqrt", {x}); }, R, C},
      {"rows/softmax", softmax, 128, 128},
      {"rows/softmax", softmax, 1, 1000},
      {"rows/softmax", softmax, 384, 512},
      {"rows/layer_norm", [](const Tensor &x) { return LayerNormalization()(x); }, 1, 768},
      {"rows/layer_norm", [](const Tensor &x) { return LayerNormalization()(x); }, 128, 768},
      {"rows/layer_norm", [](const Tensor &x) { return LayerNormalization()(x); }, 1024, 768},
  };
  return table;
}

/// The time of an element in picoseconds, beside that of a call.
void perElement(benchmark::State &state, const Chain &chain) {
  state.counters["elements"] = double(chain.rows * chain.columns);
  state.counters["ps"] = benchmark::Counter(double(chain.rows * chain.columns) * 1e-12,
                                            benchmark::Counter::kIsIterationInvariantRate |
                                                benchmark::Counter::kInvert);
}

void oursOf(benchmark::State &state, const Chain *chain) {
  Recording recording;
  Tensor x = Input({chain->columns});
  Compiled compiled(Functional({x}, {chain->apply(x)}, "chain"), chain->rows);
  for (auto _ : state)
    check(cornet_session_invoke(compiled.session, 0, uint64_t(chain->rows), compiled.inputs.data(),
                                compiled.outputs.data()));
  perElement(state, *chain);
}

/// Rows of f32 quantized to ui8 times constant weights of i8, as f32.
struct Product {
  int64_t rows, depth, columns;
  std::string name() const {
    return "bytes/matmul/" + std::to_string(rows) + "x" + std::to_string(depth) + "x" +
           std::to_string(columns);
  }
};
constexpr Product products[] = {
    {1, 1024, 1024}, {16, 768, 768}, {128, 768, 768}, {128, 768, 3072}, {128, 3072, 768}};

void ourBytes(benchmark::State &state, const Product *product) {
  Recording recording;
  Tensor x = Input({product->depth});
  std::vector<float> weights;
  for (int64_t i = 0; i < product->depth * product->columns; ++i)
    weights.push_back(float(i * 7919 % 255 - 127));
  Tensor w = ops::constant(x, {product->depth, product->columns}, std::move(weights), "i8");
  Tensor bytes = ops::cast(x * 100.0, "ui8");
  Tensor y = ops::matmul(ops::cast(bytes, "f32"), ops::cast(w, "f32"));
  Compiled compiled(Functional({x}, {y}, "bytes"), product->rows);
  for (auto _ : state)
    check(cornet_session_invoke(compiled.session, 0, uint64_t(product->rows),
                                compiled.inputs.data(), compiled.outputs.data()));
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

void theirsOf(benchmark::State &state, const Chain *chain) {
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  Memory::desc plain({chain->rows, chain->columns}, Memory::data_type::f32, Memory::format_tag::ab);
  Memory in = filled(plain, engine), out = filled(plain, engine);
  std::unordered_map<int, Memory> arguments = {{DNNL_ARG_SRC, in}, {DNNL_ARG_DST, out}};
  auto inference = dnnl::prop_kind::forward_inference;
  using Algorithm = dnnl::algorithm;
  const Algorithm algorithms[] = {
      Algorithm::eltwise_relu,     Algorithm::eltwise_exp,       Algorithm::eltwise_log,
      Algorithm::eltwise_tanh,     Algorithm::eltwise_logistic,  Algorithm::eltwise_swish,
      Algorithm::eltwise_gelu_erf, Algorithm::eltwise_gelu_tanh, Algorithm::eltwise_soft_relu};
  std::unique_ptr<dnnl::primitive> primitive;
  std::string name = chain->name;
  if (name == "rows/softmax") {
    primitive = std::make_unique<dnnl::primitive>(dnnl::softmax_forward::primitive_desc(
        engine, inference, Algorithm::softmax_accurate, plain, plain, 1));
  } else if (name == "rows/layer_norm") {
    auto flags = dnnl::normalization_flags::use_scale | dnnl::normalization_flags::use_shift;
    primitive = std::make_unique<dnnl::primitive>(dnnl::layer_normalization_forward::primitive_desc(
        engine, inference, plain, plain, 1e-3f, flags));
    Memory::desc vector({chain->columns}, Memory::data_type::f32, Memory::format_tag::a);
    arguments[DNNL_ARG_SCALE] = filled(vector, engine);
    arguments[DNNL_ARG_SHIFT] = filled(vector, engine);
  } else {
    float alpha = name == "math/swish" || name == "math/softplus" ? 1 : 0;
    primitive = std::make_unique<dnnl::primitive>(dnnl::eltwise_forward::primitive_desc(
        engine, inference, algorithms[chain->algorithm & 15], plain, plain, alpha, 0.f));
  }
  for (auto _ : state) {
    primitive->execute(stream, arguments);
    stream.wait();
  }
  perElement(state, *chain);
}

void theirBytes(benchmark::State &state, const Product *p) {
  using tag = Memory::format_tag;
  using type = Memory::data_type;
  dnnl::engine engine(dnnl::engine::kind::cpu, 0);
  dnnl::stream stream(engine);
  Memory::desc plain({p->rows, p->depth}, type::f32, tag::ab),
      bytes({p->rows, p->depth}, type::u8, tag::ab);
  dnnl::matmul::primitive_desc desc(engine, bytes, {{p->depth, p->columns}, type::s8, tag::any},
                                    {{p->rows, p->columns}, type::f32, tag::ab});
  dnnl::matmul product(desc);
  Memory x = filled(plain, engine), narrow(bytes, engine), w(desc.weights_desc(), engine),
         y(desc.dst_desc(), engine);
  std::memset(w.get_data_handle(), 3, w.get_desc().get_size());
  dnnl::reorder quantize(x, narrow);
  for (auto _ : state) {
    quantize.execute(stream, x, narrow);
    product.execute(stream, {{DNNL_ARG_SRC, narrow}, {DNNL_ARG_WEIGHTS, w}, {DNNL_ARG_DST, y}});
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
  for (const Chain &chain : chains()) {
    std::string name = chain.name,
                shape = "/" + std::to_string(chain.rows) + "x" + std::to_string(chain.columns);
    benchmark::RegisterBenchmark((name + shape + "/cornet").c_str(), oursOf, &chain)
        ->Unit(benchmark::kMicrosecond);
#ifdef CORNET_ONEDNN
    if (chain.algorithm || name.starts_with("rows/"))
      benchmark::RegisterBenchmark((name + shape + "/onednn").c_str(), theirsOf, &chain)
          ->Unit(benchmark::kMicrosecond);
#endif
  }
  for (const Product &product : products) {
    benchmark::RegisterBenchmark((product.name() + "/cornet").c_str(), ourBytes, &product)
        ->Unit(benchmark::kMicrosecond);
#ifdef CORNET_ONEDNN
    benchmark::RegisterBenchmark((product.name() + "/onednn").c_str(), theirBytes, &product)
        ->Unit(benchmark::kMicrosecond);
#endif
  }
  benchmark::RunSpecifiedBenchmarks();
}
