// SPDX-License-Identifier: Apache-2.0
//
// The table of pipelines. A different route is a different named string, not a flag inside one.
#include "passes/Passes.h"

#include "llvm/ADT/StringExtras.h"

namespace cornet {
namespace {

struct Pipeline {
  const char *name;
  const char *text; // $batches stands for the batch sizes, $precision for what lowers it
};

constexpr Pipeline pipelines[] = {
    {"inference-cpu",
     "builtin.module(cornet-bind-batch{sizes=$batches},cornet-freeze-variables,canonicalize,"
     "func.func(cornet-decompose-composites,cornet-fold-constants,cornet-fold-batch-norm,cornet-"
     "fold-constants,cornet-fold-padding,"
     "cornet-fold-broadcasts,cse,canonicalize,cornet-split-reductions,"
     "cornet-form-dispatches$precision),symbol-dce)"},
    // Variables stay; gradients are written before the composites that have one of their own go.
    {"training-cpu",
     "builtin.module(cornet-bind-batch{sizes=$batches},canonicalize,func.func(cornet-decompose-"
     "composites{keep=softmax,conv_transpose,custom_gradient},cornet-gradient,cornet-decompose-"
     "composites,"
     "cornet-fold-constants{max-elements=4096},cornet-fold-broadcasts,cse,canonicalize,cornet-"
     "split-reductions,"
     "cornet-form-dispatches),symbol-"
     "dce)"},
};

} // namespace

std::string pipelineText(llvm::StringRef name, llvm::ArrayRef<int64_t> batches,
                         llvm::StringRef precision) {
  std::string sizes =
      llvm::join(llvm::map_range(batches, [](int64_t n) { return std::to_string(n); }), ",");
  std::string lower =
      precision == "fp32" ? "" : (",cornet-lower-precision{type=" + precision + "}").str();
  for (const Pipeline &pipeline : pipelines) {
    if (name != pipeline.name)
      continue;
    std::string text = pipeline.text;
    text.replace(text.find("$batches"), 8, sizes);
    if (size_t at = text.find("$precision"); at != text.npos)
      text.replace(at, 10, lower);
    return text;
  }
  return "";
}

} // namespace cornet
