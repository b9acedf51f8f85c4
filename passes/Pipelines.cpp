// SPDX-License-Identifier: Apache-2.0
//
// The table of pipelines. A different route is a different named string, not a flag inside one.
#include "passes/Passes.h"

#include "llvm/ADT/StringExtras.h"

namespace cornet {
namespace {

struct Pipeline {
  const char *name;
  const char *text; // $batches stands for the batch sizes
};

constexpr Pipeline pipelines[] = {
    {"inference-cpu",
     "builtin.module(cornet-bind-batch{sizes=$batches},cornet-freeze-variables,canonicalize,"
     "func.func(cornet-decompose-composites,cornet-fold-constants,cornet-fold-batch-norm,cornet-"
     "fold-constants,cornet-fold-padding,"
     "cornet-fold-broadcasts,cse,canonicalize,cornet-split-reductions,"
     "cornet-form-dispatches),symbol-dce)"},
    // Variables stay; gradients are written before the composites that have one of their own go.
    {"training-cpu",
     "builtin.module(cornet-bind-batch{sizes=$batches},canonicalize,func.func(cornet-decompose-"
     "composites{keep=softmax,conv_transpose,custom_gradient},cornet-gradient,cornet-decompose-composites,"
     "cornet-fold-constants{max-elements=4096},cornet-fold-broadcasts,cse,canonicalize,cornet-"
     "split-reductions,"
     "cornet-form-dispatches),symbol-"
     "dce)"},
};

} // namespace

std::string pipelineText(llvm::StringRef name, llvm::ArrayRef<int64_t> batches) {
  for (const Pipeline &pipeline : pipelines) {
    if (name != pipeline.name)
      continue;
    std::string text = pipeline.text;
    std::string sizes =
        llvm::join(llvm::map_range(batches, [](int64_t n) { return std::to_string(n); }), ",");
    return text.replace(text.find("$batches"), 8, sizes);
  }
  return "";
}

} // namespace cornet
