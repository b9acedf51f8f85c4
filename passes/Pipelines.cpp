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
     "func.func(cornet-decompose-composites,cornet-compute-wide{mark=false},cornet-fold-constants,"
     "cornet-fold-batch-norm,cornet-"
     "fold-constants,cornet-fold-padding,"
     "cornet-fold-broadcasts,cse,canonicalize,cornet-split-reductions,"
     "cornet-form-dispatches$precision),symbol-dce)"},
    // Variables stay; gradients are written before the composites that have one of their own go.
    {"training-cpu",
     "builtin.module(cornet-bind-batch{sizes=$batches},canonicalize,func.func(cornet-decompose-"
     "composites{keep=softmax,conv_transpose,custom_gradient},cornet-gradient,cornet-decompose-"
     "composites,cornet-compute-wide,"
     "cornet-fold-constants{max-elements=4096},cornet-fold-broadcasts,cse,canonicalize,cornet-"
     "split-reductions,"
     "cornet-form-dispatches,cornet-lower-precision{type=marked}),symbol-"
     "dce)"},
};

} // namespace

std::optional<Precision> precisionNamed(llvm::StringRef name) {
  if (name == "fp32")
    return Precision{"", "all"};
  auto [type, what] = name.split('-');
  if ((type != "bf16" && type != "fp16") || name.ends_with("-") ||
      (what != "" && what != "weights" && what != "activations"))
    return std::nullopt;
  return Precision{type == "fp16" ? "f16" : "bf16", what.empty() ? "all" : what.str()};
}

std::string pipelineText(llvm::StringRef name, llvm::ArrayRef<int64_t> batches,
                         llvm::StringRef precision) {
  std::string sizes =
      llvm::join(llvm::map_range(batches, [](int64_t n) { return std::to_string(n); }), ",");
  std::string lower;
  if (auto [type, what] = precisionNamed(precision).value_or(Precision()); !type.empty())
    lower = ",cornet-lower-precision{type=" + type + (what == "all" ? "" : " what=" + what) + "}";
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
