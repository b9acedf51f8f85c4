// SPDX-License-Identifier: Apache-2.0
//
// The tail every kernel takes: math to polynomials, vectors and loops to the LLVM dialect, a
// wrapper with the kernel ABI around a function whose buffers are noalias, LLVM's O3, an object
// file; then lld in this process links all objects. Kernels compile side by side, each with its own
// LLVM context.
#include "codegen/cpu/Lower.h"

#include "codegen/cpu/KernelCache.h"
#include "codegen/cpu/Math.h"

#include "mlir/Conversion/Passes.h"
#include "mlir/Dialect/Arith/Transforms/Passes.h"
#include "mlir/Dialect/LLVMIR/LLVMDialect.h"
#include "mlir/Dialect/Math/IR/Math.h"
#include "mlir/Dialect/Math/Transforms/Passes.h"
#include "mlir/Dialect/MemRef/Transforms/Passes.h"
#include "mlir/Pass/PassManager.h"
#include "mlir/Target/LLVMIR/Dialect/All.h"
#include "mlir/Target/LLVMIR/Export.h"
#include "mlir/Transforms/GreedyPatternRewriteDriver.h"
#include "mlir/Transforms/Passes.h"

#include "lld/Common/Driver.h"
#include "llvm/ADT/ScopeExit.h"
#include "llvm/IR/IRBuilder.h"
#include "llvm/IR/LegacyPassManager.h"
#include "llvm/IR/Module.h"
#include "llvm/MC/TargetRegistry.h"
#include "llvm/Passes/PassBuilder.h"
#include "llvm/Support/FileSystem.h"
#include "llvm/Support/MemoryBuffer.h"
#include "llvm/Support/TargetSelect.h"
#include "llvm/Target/TargetMachine.h"
#include "llvm/TargetParser/Triple.h"

#include <atomic>
#include <mutex>
#include <thread>

LLD_HAS_DRIVER(elf)

using namespace mlir;

namespace cornet::cpu {
namespace {

/// exp, log, tanh, erf, ... as polynomials, on scalars and vectors: no libm in a kernel.
struct ExpandMath : PassWrapper<ExpandMath, OperationPass<func::FuncOp>> {
  MLIR_DEFINE_EXPLICIT_INTERNAL_INLINE_TYPE_ID(ExpandMath)
  ExpandMath(bool avx512, bool narrows) : avx512(avx512), narrows(narrows) {}
  void getDependentDialects(DialectRegistry &registry) const override {
    registry.insert<LLVM::LLVMDialect, math::MathDialect>();
  }
  void runOnOperation() override {
    RewritePatternSet patterns(&getContext());
    populateMathExpansions(patterns, avx512);
    if (!narrows)
      arith::populateExpandBFloat16Patterns(patterns);
    populateMathPolynomialApproximationPatterns(patterns, MathPolynomialApproximationOptions());
    math::populateExpansionPatterns(patterns, {"powf"});
    if (failed(applyPatternsGreedily(getOperation(), std::move(patterns))))
      signalPassFailure();
  }
  bool avx512;
  bool narrows; ///< f32 to bf16 is an instruction, else arithmetic on bits
};

LogicalResult toLlvmDialect(ModuleOp module, const Isa &target) {
  module.walk([](func::FuncOp f) {
    for (unsigned i = 0; i < f.getNumArguments(); ++i)
      if (isa<MemRefType>(f.getArgument(i).getType()))
        f.setArgAttr(i, LLVM::LLVMDialect::getNoAliasAttrName(), UnitAttr::get(f.getContext()));
  });
  PassManager pm(module.getContext());
  pm.addNestedPass<func::FuncOp>(std::make_unique<ExpandMath>(target.avx512, target.dots));
  pm.addPass(createCanonicalizerPass());
  pm.addPass(createCSEPass());
  pm.addPass(createLoopInvariantCodeMotionPass());
  pm.addPass(createSCFToControlFlowPass());
  pm.addPass(memref::createExpandStridedMetadataPass());
  pm.addPass(createLowerAffinePass());
  pm.addPass(createConvertVectorToLLVMPass());
  pm.addPass(createConvertMathToLLVMPass());
  pm.addPass(createArithToLLVMConversionPass());
  pm.addPass(createFinalizeMemRefToLLVMConversionPass());
  ConvertFuncToLLVMPassOptions bare;
  bare.useBarePtrCallConv = true;
  pm.addPass(createConvertFuncToLLVMPass(bare));
  pm.addPass(createConvertControlFlowToLLVMPass());
  pm.addPass(createReconcileUnrealizedCastsPass());
  if (failed(pm.run(module)))
    return failure();
  // What an emitter says of a loop arrives beside the branch's own attribute, which alone is read.
  module.walk([](LLVM::BrOp branch) {
    if (auto said = branch->getAttrOfType<LLVM::LoopAnnotationAttr>("llvm.loop_annotation"))
      branch.setLoopAnnotationAttr(said);
  });
  return success();
}

/// Renames @symbol to an internal function and exports the kernel ABI under its name.
void wrap(llvm::Module &module, StringRef symbol) {
  llvm::Function *body = module.getFunction(symbol);
  body->setName(symbol + ".body");
  body->setLinkage(llvm::GlobalValue::InternalLinkage);
  body->addFnAttr(llvm::Attribute::AlwaysInline);
  llvm::LLVMContext &context = module.getContext();
  llvm::Type *pointer = llvm::PointerType::get(context, 0), *i64 = llvm::Type::getInt64Ty(context);
  auto *type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {pointer, i64, i64}, false);
  auto *outer = llvm::Function::Create(type, llvm::GlobalValue::ExternalLinkage, symbol, module);
  outer->addFnAttr(llvm::Attribute::NoUnwind);
  llvm::IRBuilder<> b(llvm::BasicBlock::Create(context, "entry", outer));
  SmallVector<llvm::Value *> arguments;
  for (unsigned i = 0; i + 2 < body->arg_size(); ++i)
    arguments.push_back(b.CreateLoad(pointer, b.CreateConstGEP1_64(pointer, outer->getArg(0), i)));
  arguments.push_back(outer->getArg(1));
  arguments.push_back(outer->getArg(2));
  b.CreateCall(body, arguments);
  b.CreateRetVoid();
}

/// Sums may be reassociated and contracted, and the sign of a zero may be lost; NaN and infinity
/// keep their meaning. What carries flags of its own keeps them: emitters so keep sums apart that
/// are not to wait for each other.
void setFastMath(llvm::Module &module) {
  llvm::FastMathFlags flags;
  flags.setAllowReassoc();
  flags.setAllowContract();
  flags.setNoSignedZeros(); // maximum and minimum are three times as fast without
  for (llvm::Function &function : module)
    for (llvm::BasicBlock &block : function)
      for (llvm::Instruction &instruction : block)
        if (isa<llvm::FPMathOperator>(instruction) && !instruction.getFastMathFlags().any())
          instruction.setFastMathFlags(flags);
}

/// Registers LLVM's back end for `architecture`, the first time it is asked for.
void initializeBackEnd(Architecture architecture) {
  static std::once_flag x86, aarch64;
  switch (architecture) {
  case Architecture::x86_64:
    return std::call_once(x86, [] {
      LLVMInitializeX86TargetInfo();
      LLVMInitializeX86Target();
      LLVMInitializeX86TargetMC();
      LLVMInitializeX86AsmPrinter();
    });
  case Architecture::aarch64:
    return std::call_once(aarch64, [] {
      LLVMInitializeAArch64TargetInfo();
      LLVMInitializeAArch64Target();
      LLVMInitializeAArch64TargetMC();
      LLVMInitializeAArch64AsmPrinter();
    });
  }
}

llvm::Expected<std::unique_ptr<llvm::TargetMachine>> targetMachine(const Isa &isa) {
  initializeBackEnd(isa.architecture);
  std::string error;
  llvm::Triple triple(isa.triple());
  const llvm::Target *target = llvm::TargetRegistry::lookupTarget(triple, error);
  if (!target)
    return llvm::createStringError(error);
  return std::unique_ptr<llvm::TargetMachine>(target->createTargetMachine(
      triple, isa.cpu, isa.features, llvm::TargetOptions(), llvm::Reloc::PIC_, std::nullopt,
      llvm::CodeGenOptLevel::Aggressive));
}

/// A kernel as LLVM IR in a context of its own, so that kernels can be optimized side by side.
struct Translated {
  std::unique_ptr<llvm::LLVMContext> context = std::make_unique<llvm::LLVMContext>();
  std::unique_ptr<llvm::Module> module; ///< null when the object came from the cache
  SmallVector<char, 0> object;
  std::string key;
};

llvm::Error translate(KernelSource &kernel, const Isa &isa, llvm::TargetMachine &machine,
                      Translated &out) {
  if (failed(toLlvmDialect(*kernel.module, isa)))
    return llvm::createStringError("internal error: kernel " + kernel.symbol +
                                   " does not lower to LLVM");
  out.module = translateModuleToLLVMIR(*kernel.module, *out.context, kernel.symbol);
  if (!out.module)
    return llvm::createStringError("internal error: kernel " + kernel.symbol +
                                   " does not translate to LLVM IR");
  out.module->setTargetTriple(machine.getTargetTriple());
  out.module->setDataLayout(machine.createDataLayout());
  wrap(*out.module, kernel.symbol);
  setFastMath(*out.module);
  for (llvm::Function &function : *out.module) {
    function.addFnAttr("target-cpu", isa.cpu);
    if (isa.dots)
      function.addFnAttr("target-features", isa.features);
    function.addFnAttr("prefer-vector-width", std::to_string(isa.lanes * 32));
  }
  return llvm::Error::success();
}

/// O3 and code generation.
void optimize(llvm::TargetMachine &machine, Translated &kernel) {
  llvm::LoopAnalysisManager loops;
  llvm::FunctionAnalysisManager functions;
  llvm::CGSCCAnalysisManager graphs;
  llvm::ModuleAnalysisManager modules;
  llvm::PassBuilder passes(&machine);
  passes.registerModuleAnalyses(modules);
  passes.registerCGSCCAnalyses(graphs);
  passes.registerFunctionAnalyses(functions);
  passes.registerLoopAnalyses(loops);
  passes.crossRegisterProxies(loops, functions, graphs, modules);
  passes.buildPerModuleDefaultPipeline(llvm::OptimizationLevel::O3).run(*kernel.module, modules);
  llvm::raw_svector_ostream stream(kernel.object);
  llvm::legacy::PassManager codegen;
  [[maybe_unused]] bool refused =
      machine.addPassesToEmitFile(codegen, stream, nullptr, llvm::CodeGenFileType::ObjectFile);
  assert(!refused && "the back end writes objects");
  codegen.run(*kernel.module);
}

/// Links the objects in order. lld is not reentrant, so one link runs at a time.
llvm::Expected<std::vector<char>> link(ArrayRef<Translated> kernels) {
  static std::mutex mutex;
  std::lock_guard lock(mutex);
  SmallString<128> folder;
  if (std::error_code error = llvm::sys::fs::createUniqueDirectory("cornet-link", folder))
    return llvm::createStringError(error, "no temporary folder for linking");
  llvm::scope_exit cleanup([&] { llvm::sys::fs::remove_directories(folder); });
  std::vector<std::string> arguments = {"ld.lld",
                                        "-shared",
                                        "--threads=1",
                                        "-z",
                                        "now",
                                        "--hash-style=gnu",
                                        "--build-id=none",
                                        "-s",
                                        "-soname=kernels.so",
                                        "-o",
                                        (folder + "/kernels.so").str()};
  for (auto [i, kernel] : llvm::enumerate(kernels)) {
    arguments.push_back((folder + "/" + Twine(i) + ".o").str());
    std::error_code error;
    llvm::raw_fd_ostream file(arguments.back(), error);
    file.write(kernel.object.data(), kernel.object.size());
    file.close();
    if (error || file.has_error())
      return llvm::createStringError("cannot write " + arguments.back() + "; is the disk full?");
  }
  std::vector<const char *> raw;
  for (const std::string &argument : arguments)
    raw.push_back(argument.c_str());
  std::string messages;
  llvm::raw_string_ostream stream(messages);
  lld::Result result = lld::lldMain(raw, stream, stream, {{lld::Gnu, &lld::elf::link}});
  if (result.retCode != 0)
    return llvm::createStringError("internal error: linking kernels failed: " + messages);
  auto buffer = llvm::MemoryBuffer::getFile((folder + "/kernels.so").str(), false, false);
  if (!buffer)
    return llvm::createStringError(buffer.getError(), "the linked kernels cannot be read");
  return std::vector<char>((*buffer)->getBufferStart(), (*buffer)->getBufferEnd());
}

} // namespace

llvm::Expected<std::vector<char>> compileKernels(std::vector<KernelSource> kernels, const Isa &isa,
                                                 unsigned threads, size_t *fromCache) {
  std::vector<Translated> translated(kernels.size());
  std::vector<std::unique_ptr<llvm::TargetMachine>> machines;
  for (unsigned i = 0; i < std::max(threads, 1u); ++i) {
    auto machine = targetMachine(isa);
    if (!machine)
      return machine.takeError();
    machines.push_back(std::move(*machine));
  }
  // MLIR lowers in order, in its one context; LLVM, which takes longer, works side by side.
  KernelCache cache;
  for (size_t i = 0; i < kernels.size(); ++i) {
    std::string text;
    llvm::raw_string_ostream stream(text);
    kernels[i].module->print(stream);
    translated[i].key = KernelCache::key(text, isa.level);
    if (!cache.find(translated[i].key, translated[i].object))
      if (llvm::Error error = translate(kernels[i], isa, *machines[0], translated[i]))
        return std::move(error);
    kernels[i].module.release()->erase();
  }
  std::atomic<size_t> next = 0;
  auto work = [&](llvm::TargetMachine &machine) {
    for (size_t i; (i = next++) < translated.size();)
      if (translated[i].module) {
        optimize(machine, translated[i]);
        cache.store(translated[i].key, translated[i].object);
      }
  };
  std::vector<std::thread> pool;
  for (size_t i = 1; i < machines.size(); ++i)
    pool.emplace_back([&, i] { work(*machines[i]); });
  work(*machines[0]);
  for (std::thread &thread : pool)
    thread.join();
  if (fromCache)
    *fromCache += size_t(llvm::count_if(translated, [](const Translated &t) { return !t.module; }));
  return link(translated);
}

} // namespace cornet::cpu
