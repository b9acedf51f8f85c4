// SPDX-License-Identifier: Apache-2.0
//
// Keras's SwapEMAWeights, except that prediction gives the weights back when it ends; Keras leaves
// the averages in the model.
#include <cornet/callbacks.h>

namespace cornet {
namespace {

class SwapEMAWeightsCallback : public Callback {
public:
  explicit SwapEMAWeightsCallback(SwapEMAWeightsOptions options) : options(options) {}

  bool wantsBatchLogs() const override { return false; }

  void on_train_begin(const Logs &) override { averagesInModel = false; }
  void on_epoch_begin(int, Logs &) override {
    if (options.swap_on_epoch)
      exchange(false);
  }
  void on_epoch_end(int, Logs &) override {
    if (options.swap_on_epoch)
      exchange(true);
  }
  void on_test_begin(const Logs &) override { exchange(true); }
  void on_test_end(const Logs &) override { exchange(false); }
  void on_predict_begin(const Logs &) override { exchange(true); }
  void on_predict_end(const Logs &) override { exchange(false); }

private:
  void exchange(bool averages) {
    if (averages != averagesInModel)
      training->swapEmaWeights();
    averagesInModel = averages;
  }

  SwapEMAWeightsOptions options;
  bool averagesInModel = false;
};

} // namespace

CallbackPtr SwapEMAWeights(SwapEMAWeightsOptions options) {
  return std::make_shared<SwapEMAWeightsCallback>(options);
}

} // namespace cornet
