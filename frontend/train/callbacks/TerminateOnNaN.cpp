// SPDX-License-Identifier: Apache-2.0
//
// Keras's TerminateOnNaN.
#include "frontend/train/callbacks/Text.h"

#include <cmath>
#include <stdexcept>

namespace cornet {
namespace {

class TerminateOnNaNCallback : public Callback {
public:
  explicit TerminateOnNaNCallback(TerminateOnNaNOptions options) : options(options) {}

  void on_train_batch_end(int64_t batch, const Logs &logs) override {
    const double *loss = logs.find("loss");
    if (!loss || std::isfinite(*loss))
      return;
    if (options.raise_error)
      throw std::runtime_error("TerminateOnNaN: the loss of batch " + std::to_string(batch) +
                               " is " + train::pythonFloat(*loss) + "; training ends here");
    train::tell("Batch " + std::to_string(batch) + ": Invalid loss, terminating training");
    training->stop_training = true;
  }

private:
  TerminateOnNaNOptions options;
};

} // namespace

CallbackPtr TerminateOnNaN(TerminateOnNaNOptions options) {
  return std::make_shared<TerminateOnNaNCallback>(options);
}

} // namespace cornet
