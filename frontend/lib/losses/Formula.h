// SPDX-License-Identifier: Apache-2.0
//
// A loss that is a formula: what every loss of losses.h is made as.
#pragma once

#include "frontend/lib/losses/Support.h"

namespace cornet::support {

using Values = std::function<Tensor(const Tensor &y_true, const Tensor &y_pred)>;
using Valid =
    std::function<Tensor(const Tensor &y_true, const Tensor &y_pred, const Tensor &values)>;

class Formula : public Loss {
public:
  /// `integers`: targets are classes, which stay i32 where they are and keep their rank.
  Formula(std::string name, std::string reduction, Values values, bool integers = false)
      : Loss(std::move(name), std::move(reduction)), values(std::move(values)), integers(integers) {
  }

  Tensor call(const Tensor &y_true, const Tensor &y_pred) override;
  Tensor valid(const Tensor &y_true, const Tensor &y_pred, const Tensor &given) override {
    return counts ? counts(y_true, y_pred, given) : Tensor();
  }

  Valid counts;              ///< Loss::valid()
  bool sameShape = true;     ///< targets must have the predictions' shape once ranks are equal
  bool crossentropy = false; ///< the kind that "crossentropy" stands for

private:
  Values values;
  bool integers;
};

/// A Formula named `options.name`, else `name`.
template <class Options>
std::shared_ptr<Formula> formula(const char *name, const Options &options, Values values,
                                 bool integers = false) {
  return std::make_shared<Formula>(options.name.empty() ? name : options.name, options.reduction,
                                   std::move(values), integers);
}

inline Tensor meanOfLast(const Tensor &x) { return ops::mean(x, {-1}); }
/// y (1 - smoothing) + to smoothing.
inline Tensor smooth(const Tensor &y, double smoothing, double to) {
  return smoothing == 0 ? y : y * (1 - smoothing) + to * smoothing;
}

/// The kind of crossentropy that "crossentropy" stands for, as Keras chooses: binary for
/// predictions with a last dimension of 1; sparse for targets of a lower rank, or of a last
/// dimension of 1; else categorical.
enum class Kind { binary, sparse, categorical };
Kind kindOf(const Tensor &y_true, const Tensor &y_pred);

} // namespace cornet::support
