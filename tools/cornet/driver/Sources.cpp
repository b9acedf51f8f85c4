// SPDX-License-Identifier: Apache-2.0
// Models are emitted as modules, module files parsed; what is diagnosed meanwhile is kept.
#include "driver/Sources.h"

#include "codegen/Compile.h"
#include "frontend/emit/Emit.h"

#include "mlir/IR/Diagnostics.h"
#include "mlir/IR/Verifier.h"
#include "mlir/Parser/Parser.h"

using namespace mlir;

namespace cornet::cli {

Workshop::Workshop() {
  DialectRegistry registry;
  registerCompilerDialects(registry);
  context = std::make_unique<MLIRContext>(registry);
  context->getDiagEngine().registerHandler([this](Diagnostic &diagnostic) {
    if (diagnostic.getSeverity() != DiagnosticSeverity::Error)
      return success();
    llvm::raw_string_ostream stream(text);
    diagnostic.getLocation().print(stream);
    stream << ": " << diagnostic.str() << '\n';
    return success();
  });
}

Workshop::~Workshop() = default;

OwningOpRef<ModuleOp> Workshop::load(const Source &source, const std::string &weights) {
  if (source.kind == Source::Module) {
    if (!weights.empty()) {
      text = source.path + ": a module brings its own weights; --weights is for models with layers";
      return nullptr;
    }
    OwningOpRef<ModuleOp> module = parseSourceFile<ModuleOp>(source.path, context.get());
    if (!module)
      text = source.path + ": is not a valid module\n" + text;
    return module;
  }
  std::string error;
  std::optional<Model> model = loadModel(source, error);
  if (!model) {
    text += error;
    return nullptr;
  }
  if (!weights.empty())
    if (error = takeWeights(*model, weights); !error.empty()) {
      text += error;
      return nullptr;
    }
  OwningOpRef<ModuleOp> module = emitModel(*context, *model);
  if (module && failed(verify(*module))) {
    text = source.path + ": gives an invalid module, which is a bug of Cornet; please report it\n" +
           text;
    return nullptr;
  }
  return module;
}

} // namespace cornet::cli
