// SPDX-License-Identifier: Apache-2.0
//
// Pipeline, plans, kernels, self-test, file: the stages of compileToFile(), in order.
#include "codegen/Compile.h"

#include "codegen/BatchSizes.h"
#include "codegen/artifact/Writer.h"
#include "codegen/tune/Choices.h"
#include "ir/Reference/Interpreter.h"
#include "passes/Passes.h"

#include "mlir/Dialect/ControlFlow/IR/ControlFlow.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/MemRef/IR/MemRef.h"
#include "mlir/Dialect/SCF/IR/SCF.h"
#include "mlir/Dialect/Vector/IR/VectorOps.h"
#include "mlir/IR/Verifier.h"
#include "mlir/InitAllDialects.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Pass/PassRegistry.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Transforms/Passes.h"

#include "llvm/Support/FileSystem.h"
#include "llvm/Support/FormatVariadic.h"

#include <bit>
#include <chrono>
#include <cmath>
#include <random>

using namespace mlir;

namespace cornet {
namespace {

/// Times the stages and tells the caller of each.
class Stages {
public:
  Stages(const CompileOptions &options, CompileReport &report) : options(options), report(report) {}
  void begin(const std::string &name, double fraction) {
    finish();
    if (options.progress)
      options.progress(name, fraction);
    current = name, start = std::chrono::steady_clock::now();
  }
  void finish() {
    if (!current.empty())
      report.seconds.emplace_back(
          current, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
    current.clear();
  }

private:
  const CompileOptions &options;
  CompileReport &report;
  std::string current;
  std::chrono::steady_clock::time_point start;
};

llvm::Error runPipeline(ModuleOp module, const std::string &text) {
  registerTransformsPasses();
  registerCornetPasses();
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  PassManager pm(module.getContext());
  StringRef body = text;
  if (!body.consume_front("builtin.module(") || !body.consume_back(")") ||
      failed(parsePassPipeline(body, pm, stream)))
    return llvm::createStringError(
        "the pipeline is neither a known name (inference-cpu) nor builtin.module(...) with "
        "known passes; --print-pipeline shows one: " +
        text + "\n" + messages);
  if (failed(pm.run(module)))
    return llvm::createStringError("the model does not compile; see the errors above");
  return llvm::Error::success();
}

llvm::Error checkPrecision(const CompileOptions &options) {
  const std::string &name = options.precision;
  if (!name.empty() && !precisionNamed(name))
    return llvm::createStringError(
        "unknown precision '" + name +
        "'; known: fp32, bf16, fp16, and the last two with -weights or -activations after them");
  if (name.empty() || name == "fp32" || options.pipeline == "inference-cpu")
    return llvm::Error::success();
  return llvm::createStringError(
      "precision " + name +
      " belongs to the pipeline inference-cpu; in training the layers' dtype policies say what is "
      "narrow, and the text of another pipeline takes cornet-lower-precision after "
      "cornet-form-dispatches");
}

/// The databases that options name.
struct Databases {
  std::optional<tune::Database> user;
  const tune::Database *shipped = nullptr;

  static llvm::Expected<Databases> of(const TuningOptions &options) {
    Databases out;
    if (options.shipped)
      out.shipped = &tune::shipped();
    if (options.file.empty())
      return out;
    auto read = tune::Database::read(options.file, !options.fileMust);
    if (!read)
      return read.takeError();
    out.user = std::move(*read);
    return out;
  }
};

/// "predict", which everybody looks for, first.
struct EntryOrder {
  bool operator()(const std::string &a, const std::string &b) const {
    return std::pair(a != "predict", a) < std::pair(b != "predict", b);
  }
};
using Entries = std::map<std::string, std::vector<func::FuncOp>, EntryOrder>;

/// The entry points by name, each with its functions in ascending order of batch.
Entries entriesOf(ModuleOp module) {
  Entries out;
  for (auto function : module.getOps<func::FuncOp>())
    if (auto name = function->getAttrOfType<StringAttr>("cornet.entry"))
      out[name.str()].push_back(function);
  for (auto &[name, functions] : out)
    llvm::sort(functions, [](func::FuncOp a, func::FuncOp b) {
      return a->getAttrOfType<IntegerAttr>("cornet.batch").getInt() <
             b->getAttrOfType<IntegerAttr>("cornet.batch").getInt();
    });
  return out;
}

/// Whether kernels of `isa` run on this machine.
bool runsHere(const cpu::Isa &isa) {
  auto host = cpu::isaFor("host", "bf16");
  if (!host) {
    llvm::consumeError(host.takeError());
    return false;
  }
  return isa.isNative() && isa.lanes <= host->lanes && isa.dots <= host->dots &&
         isa.tiles <= host->tiles;
}

/// Measures what the entry points compute and adds it to the user's database, here and in its file.
llvm::Error tuneEntries(const Entries &entries, const cpu::Isa &isa, const CompileOptions &options,
                        tune::Database &user, CompileReport &report) {
  const TuningOptions &tuning = options.tuning;
  if (!runsHere(isa))
    return llvm::createStringError("--tune: this machine cannot run kernels of the level " +
                                   isa.level.str() + "; tune where it can, or leave the level out");
  std::unique_ptr<llvm::raw_fd_ostream> log;
  if (!tuning.log.empty()) {
    std::error_code error;
    log = std::make_unique<llvm::raw_fd_ostream>(tuning.log, error, llvm::sys::fs::OF_Append);
    if (error)
      return llvm::createStringError(tuning.log + ": " + error.message());
  }
  std::vector<func::FuncOp> functions;
  for (const auto &[name, batches] : entries)
    llvm::append_range(functions, batches);
  tune::TuneRequest request;
  request.seconds = tuning.seconds, request.measure = tuning.measure, request.stop = tuning.stop;
  request.machine = {isa.level.str(), tune::hostCpu(), tuning.threads};
  request.compileThreads = options.threads;
  request.progress = options.progress;
  request.log = [&](const tune::Key &key, const tune::Timed &timed) {
    if (log)
      *log << key.text() << " | " << timed.variant
           << llvm::formatv(": {0:f2} us\n", timed.microseconds);
  };
  request.save = [&](const tune::Database &found) -> llvm::Error {
    for (const auto &[text, entry] : found.all())
      user.add(entry.first, entry.second);
    if (log)
      log->flush();
    return tuning.file.empty() ? llvm::Error::success() : found.mergeInto(tuning.file);
  };
  auto result = tune::tune(functions, isa, user, request);
  if (!result)
    return result.takeError();
  report.tuned.emplace_back(isa.level, *result);
  return llvm::Error::success();
}

std::string portName(DictionaryAttr attributes, const char *kind, unsigned i) {
  auto name = attributes ? attributes.getAs<StringAttr>("cornet.name") : StringAttr();
  return name ? name.str() : kind + std::to_string(i);
}

/// Whether the port's first extent is the batch: as recorded, or always for who serves rows.
bool isBatched(func::FuncOp function, DictionaryAttr attributes) {
  return !function->hasAttr("cornet.whole") || (attributes && attributes.get("cornet.batched"));
}

artifact::Entry describe(const std::string &name, func::FuncOp function,
                         const Variables &variables) {
  artifact::Entry entry{name, {}, {}, {}, function->hasAttr("cornet.whole")};
  auto list = [&](std::vector<artifact::Port> &ports, TypeRange types, const char *kind,
                  llvm::function_ref<DictionaryAttr(unsigned)> attributes) {
    for (auto [i, type] : llvm::enumerate(types))
      if (DictionaryAttr given = attributes(unsigned(i)); !variables.find(given))
        ports.push_back({portName(given, kind, unsigned(ports.size())),
                         cast<RankedTensorType>(type), isBatched(function, given)});
  };
  list(entry.inputs, function.getArgumentTypes(), "input",
       [&](unsigned i) { return function.getArgAttrDict(i); });
  list(entry.outputs, function.getResultTypes(), "output",
       [&](unsigned i) { return function.getResultAttrDict(i); });
  return entry;
}

llvm::Error checkPorts(func::FuncOp function, const Variables &variables) {
  auto check = [&](TypeRange types, llvm::function_ref<DictionaryAttr(unsigned)> attributes) {
    for (auto [i, type] : llvm::enumerate(types)) {
      DictionaryAttr given = attributes(unsigned(i));
      auto tensor = dyn_cast<RankedTensorType>(type);
      bool good =
          tensor && (tensor.getElementType().isF32() || tensor.getElementType().isInteger(32));
      if (!good || (!variables.find(given) && isBatched(function, given) && tensor.getRank() == 0))
        return false;
    }
    return true;
  };
  if (check(function.getArgumentTypes(), [&](unsigned i) { return function.getArgAttrDict(i); }) &&
      check(function.getResultTypes(), [&](unsigned i) { return function.getResultAttrDict(i); }))
    return llvm::Error::success();
  return llvm::createStringError("entry point '" + function.getName() +
                                 "': inputs and outputs must be f32 or i32 tensors with a batch");
}

/// A number as a self-test's data hold it, which are the bytes of the ports, and back. What i32
/// does not hold becomes the least of it, as on x86.
float cellOf(double number, Type type) {
  if (!getElementTypeOrSelf(type).isInteger(32))
    return float(number);
  bool holds = number >= INT32_MIN && number <= INT32_MAX; // not NaN
  return std::bit_cast<float>(holds ? int32_t(number) : INT32_MIN);
}
double numberOf(float cell, Type type) {
  return getElementTypeOrSelf(type).isInteger(32) ? std::bit_cast<int32_t>(cell) : double(cell);
}

/// Normal inputs from a fixed seed, and what the reference interpreter makes of them.
llvm::Expected<artifact::SelfTest> makeSelfTest(const std::string &name, func::FuncOp function) {
  artifact::SelfTest test{
      name, uint64_t(function->getAttrOfType<IntegerAttr>("cornet.batch").getInt()), {}};
  std::mt19937 bits(20260101);
  auto uniform = [&] { return (bits() >> 8) * (1.0 / (1 << 24)); };
  std::vector<HostTensor> inputs;
  for (Type type : function.getArgumentTypes()) {
    HostTensor input{std::vector<int64_t>(cast<RankedTensorType>(type).getShape()), {}};
    bool integers = getElementTypeOrSelf(type).isInteger(32);
    for (int64_t i = 0, n = input.size(); i < n; ++i) {
      if (integers) { // small ones: they are mostly indices
        input.data.push_back(double(bits() % 16));
        test.data.push_back(cellOf(input.data.back(), type));
        continue;
      }
      float value =
          float(uniform() + uniform() + uniform() + uniform() - 2) * 1.7f; // variance about 1
      input.data.push_back(value);
      test.data.push_back(value);
    }
    inputs.push_back(std::move(input));
  }
  FailureOr<std::vector<HostTensor>> outputs = reference::interpret(function, inputs);
  if (failed(outputs))
    return llvm::createStringError(
        "the reference interpreter cannot run the model; see the errors above");
  for (auto [type, output] : llvm::zip(function.getResultTypes(), *outputs))
    for (double number : output.data)
      test.data.push_back(cellOf(number, type));
  return test;
}

size_t cellsOf(TypeRange types) {
  size_t cells = 0;
  for (Type type : types)
    cells += size_t(cast<RankedTensorType>(type).getNumElements());
  return cells;
}

/// How far the answers of `test` are from those of `exact`, by outputs of `function`.
PrecisionError differenceOf(const artifact::SelfTest &test, const artifact::SelfTest &exact,
                            func::FuncOp function) {
  PrecisionError out;
  size_t first = exact.data.size() - cellsOf(function.getResultTypes());
  double product = 0, squares = 0, exactSquares = 0, largest = 0, worst = 0;
  uint64_t agreed = 0;
  auto largestOf = [](ArrayRef<double> cells) { return llvm::max_element(cells) - cells.begin(); };
  for (Type type : function.getResultTypes()) {
    auto tensor = cast<RankedTensorType>(type);
    size_t cells = size_t(tensor.getNumElements());
    size_t row = tensor.getRank() == 0 ? 1 : size_t(tensor.getShape().back());
    std::vector<double> got, want;
    for (size_t i = first; i < first + cells; ++i)
      got.push_back(numberOf(test.data[i], type)), want.push_back(numberOf(exact.data[i], type));
    for (size_t i = 0; i < cells; ++i) {
      product += got[i] * want[i], squares += got[i] * got[i];
      exactSquares += want[i] * want[i];
      largest = std::max(largest, std::fabs(want[i]));
      double apart = std::fabs(got[i] - want[i]);
      worst = std::isfinite(got[i]) ? std::max(worst, apart) : INFINITY;
      out.notFinite += !std::isfinite(got[i]) && std::isfinite(want[i]);
    }
    for (size_t at = 0; at + row <= cells && row > 0; at += row, ++out.rows)
      agreed += largestOf(ArrayRef(got).slice(at, row)) == largestOf(ArrayRef(want).slice(at, row));
    first += cells;
  }
  out.relative = largest > 0 ? worst / largest : worst;
  out.cosine = squares > 0 && exactSquares > 0 ? product / std::sqrt(squares * exactSquares) : 0;
  out.agreed = agreed;
  return out;
}

/// Sums of large cells may cancel to small ones, so what they lose counts in units of the largest
/// result. Among narrow cells, one that ends near the middle of two neighbours is rounded either
/// way by the order it was summed in, and what follows differs by a unit in the last place here and
/// there: then it may be some of those.
void setTolerance(artifact::SelfTest &test, func::FuncOp function, StringRef precision,
                  bool bytes) {
  bool narrow = precision != "fp32" || bytes;
  float unit = !narrow                                  ? test.absolute
               : bytes || precision.starts_with("bf16") ? 4 * 0x1p-8f
                                                        : 4 * 0x1p-11f;
  float largest = 0;
  ArrayRef<float> cells = ArrayRef(test.data).take_back(cellsOf(function.getResultTypes()));
  for (Type type : function.getResultTypes()) {
    size_t count = cellsOf(type);
    for (float cell : cells.take_front(isa<FloatType>(getElementTypeOrSelf(type)) ? count : 0))
      largest = std::max(largest, std::fabs(cell));
    cells = cells.drop_front(count);
  }
  test.relative = narrow ? unit : test.relative;
  test.absolute = std::max(test.absolute, unit * largest);
}

} // namespace

std::string precisionOf(ModuleOp module) {
  bool bf16 = false, f16 = false;
  module.walk([&](Operation *op) {
    for (Type type : op->getResultTypes()) {
      bf16 |= getElementTypeOrSelf(type).isBF16();
      f16 |= getElementTypeOrSelf(type).isF16();
    }
  });
  return bf16 ? "bf16" : f16 ? "fp16" : "fp32";
}

/// Whether the module has tensors of integers of 8 bits.
static bool hasBytes(ModuleOp module) {
  return module
      .walk([](Operation *op) {
        return llvm::any_of(op->getResultTypes(), [](Type type) { return isByte(type); })
                   ? WalkResult::interrupt()
                   : WalkResult::advance();
      })
      .wasInterrupted();
}

void registerCompilerDialects(DialectRegistry &registry) {
  registry.insert<CornetDialect, plan::PlanDialect, func::FuncDialect, arith::ArithDialect,
                  math::MathDialect, memref::MemRefDialect, scf::SCFDialect, vector::VectorDialect,
                  cf::ControlFlowDialect, LLVM::LLVMDialect>();
  registerBuiltinDialectTranslation(registry);
  registerLLVMDialectTranslation(registry);
}

llvm::Error compileToFile(ModuleOp module, const CompileOptions &options, StringRef path,
                          CompileReport *reportOut) {
  CompileReport local, &report = reportOut ? *reportOut : local;
  Stages stages(options, report);
  module.getContext()->loadAllAvailableDialects();
  if (llvm::Error error = checkPrecision(options))
    return error;
  if (llvm::Error error = tune::checkVariants(module))
    return error;
  auto databases = Databases::of(options.tuning);
  if (!databases)
    return databases.takeError();
  std::vector<int64_t> batches = options.batches;
  if (options.pipeline == "inference-cpu")
    batches = batchesThatServe(module, batches);
  report.batches = batches;
  // What the model's own types say, where nothing else is said.
  report.precision = options.precision.empty() ? precisionOf(module) : options.precision;
  bool bytes = hasBytes(module);
  bool narrows = report.precision != "fp32" && options.pipeline == "inference-cpu";
  std::string pipeline = pipelineText(options.pipeline, batches, report.precision);
  if (pipeline.empty())
    pipeline = options.pipeline;
  stages.begin("optimize", 0);
  OwningOpRef<ModuleOp> exact;
  if (narrows && options.selfTest) {
    exact = module.clone();
    if (llvm::Error error = runPipeline(*exact, pipelineText(options.pipeline, batches)))
      return error;
  }
  if (llvm::Error error = runPipeline(module, pipeline))
    return error;
  auto entries = entriesOf(module);
  if (entries.empty())
    return llvm::createStringError(
        "the module has no entry point: no function carries cornet.entry");
  artifact::Artifact artifact;
  if (auto name = module->getAttrOfType<StringAttr>("cornet.model"))
    artifact.model = name.str();
  Variables variables(module);
  artifact.variables = variables.all, artifact.variableOffsets = variables.offsets;
  artifact.variableBytes = variables.size;
  for (auto &[name, functions] : entries)
    if (llvm::Error error = checkPorts(functions.front(), variables))
      return error;
  // What a program with variables answers depends on what it has learnt.
  if (options.selfTest && variables.all.empty()) {
    stages.begin("self-test by the interpreter", 0.1);
    auto test = makeSelfTest(entries.begin()->first, entries.begin()->second.front());
    if (!test)
      return test.takeError();
    artifact.selfTest = std::move(*test);
    setTolerance(artifact.selfTest, entries.begin()->second.front(), report.precision, bytes);
    if (narrows) {
      func::FuncOp function = entriesOf(*exact).begin()->second.front();
      auto reference = makeSelfTest(entries.begin()->first, function);
      if (!reference)
        return reference.takeError();
      report.error = differenceOf(artifact.selfTest, *reference, function);
    }
  }
  OwningOpRef<ModuleOp> plans = ModuleOp::create(module.getLoc());
  for (const std::string &cpu : options.cpus) {
    auto isa = cpu::isaFor(cpu, report.precision, bytes);
    if (!isa)
      return isa.takeError();
    if (options.tuning.seconds > 0) {
      stages.begin("tune " + isa->level.str(), 0);
      if (!databases->user)
        databases->user.emplace();
      if (llvm::Error error = tuneEntries(entries, *isa, options, *databases->user, report))
        return error;
    }
    stages.begin("plan " + isa->level.str(), 0.4);
    tune::Choices choices(databases->user ? &*databases->user : nullptr, databases->shipped,
                          {isa->level.str(), tune::hostCpu(), options.tuning.threads}, *isa);
    Kernels kernels(*isa, &choices);
    artifact::Variant variant{isa->level.str(), {}, {}, {}};
    for (auto &[name, functions] : entries) {
      artifact::Entry entry = describe(name, functions.front(), variables);
      for (func::FuncOp function : functions) {
        if (llvm::Error error = choices.apply(function))
          return error;
        entry.plans.push_back(
            planEntry(function, kernels, artifact.weights, variables, report, *plans));
        plan::EntryOp planned = entry.plans.back();
        report.arenaBytes = std::max<uint64_t>(
            report.arenaBytes,
            planned.getRings() > 0 ? planned.getBanded() + planned.getRings() : planned.getArena());
      }
      variant.entries.push_back(std::move(entry));
    }
    for (const cpu::KernelSource &kernel : kernels.sources)
      variant.kernels.push_back(kernel.symbol);
    report.kernels += variant.kernels.size();
    stages.begin("compile kernels for " + isa->level.str(), 0.5);
    size_t cached = 0;
    auto code = cpu::compileKernels(std::move(kernels.sources), *isa, options.threads, &cached);
    if (!code)
      return code.takeError();
    report.cachedKernels += cached;
    variant.code = std::move(*code);
    report.codeBytes += variant.code.size();
    artifact.variants.push_back(std::move(variant));
  }
  artifact.provenance = {{"compiler", "Cornet " CORNET_VERSION " with LLVM " LLVM_VERSION_STRING},
                         {"pipeline", pipeline},
                         {"precision", report.precision}};
  if (failed(verify(*plans)))
    return llvm::createStringError("internal error: a plan does not verify");
  llvm::raw_string_ostream(report.plan) << *plans;
  if (path.empty())
    return llvm::Error::success();
  stages.begin("write", 0.9);
  report.weightBytes = artifact.weights.size();
  auto size = artifact::write(artifact, path);
  if (!size)
    return size.takeError();
  report.fileBytes = *size;
  stages.finish();
  return llvm::Error::success();
}

} // namespace cornet
