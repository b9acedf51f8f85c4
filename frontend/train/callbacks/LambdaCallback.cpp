// SPDX-License-Identifier: Apache-2.0
//
// A callback made of functions.
#include <cornet/callbacks.h>

namespace cornet {
namespace {

class LambdaCallbackCallback : public Callback {
public:
  explicit LambdaCallbackCallback(LambdaCallbackOptions options) : f(std::move(options)) {}

  bool wantsBatchLogs() const override {
    return f.on_train_batch_end || f.on_test_batch_end || f.on_predict_batch_end;
  }

  void on_epoch_begin(int epoch, Logs &logs) override { call(f.on_epoch_begin, epoch, logs); }
  void on_epoch_end(int epoch, Logs &logs) override { call(f.on_epoch_end, epoch, logs); }
  void on_train_begin(const Logs &logs) override { call(f.on_train_begin, logs); }
  void on_train_end(const Logs &logs) override { call(f.on_train_end, logs); }
  void on_train_batch_begin(int64_t batch, const Logs &logs) override {
    call(f.on_train_batch_begin, batch, logs);
  }
  void on_train_batch_end(int64_t batch, const Logs &logs) override {
    call(f.on_train_batch_end, batch, logs);
  }
  void on_test_begin(const Logs &logs) override { call(f.on_test_begin, logs); }
  void on_test_end(const Logs &logs) override { call(f.on_test_end, logs); }
  void on_test_batch_begin(int64_t batch, const Logs &logs) override {
    call(f.on_test_batch_begin, batch, logs);
  }
  void on_test_batch_end(int64_t batch, const Logs &logs) override {
    call(f.on_test_batch_end, batch, logs);
  }
  void on_predict_begin(const Logs &logs) override { call(f.on_predict_begin, logs); }
  void on_predict_end(const Logs &logs) override { call(f.on_predict_end, logs); }
  void on_predict_batch_begin(int64_t batch, const Logs &logs) override {
    call(f.on_predict_batch_begin, batch, logs);
  }
  void on_predict_batch_end(int64_t batch, const Logs &logs) override {
    call(f.on_predict_batch_end, batch, logs);
  }

private:
  template <class Function, class... Arguments>
  static void call(const Function &function, Arguments &&...arguments) {
    if (function)
      function(arguments...);
  }

  LambdaCallbackOptions f;
};

} // namespace

CallbackPtr LambdaCallback(LambdaCallbackOptions options) {
  return std::make_shared<LambdaCallbackCallback>(std::move(options));
}

} // namespace cornet
