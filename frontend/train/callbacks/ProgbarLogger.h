// SPDX-License-Identifier: Apache-2.0
//
// The progress of fit(), evaluate() and predict() on standard output. Validation within fit() is
// silent.
#pragma once

#include "frontend/train/callbacks/Progbar.h"

namespace cornet::train {

class ProgbarLogger : public Callback {
public:
  /// The progress is due for drawing: only then are the metrics worth reading back.
  bool wantsBatchLogs() const override;

  void on_train_begin(const Logs &) override { inFit = true; }
  void on_train_end(const Logs &) override { inFit = false; }
  void on_epoch_begin(int epoch, Logs &) override;
  void on_epoch_end(int, Logs &logs) override { finish(logs); }
  void on_train_batch_end(int64_t batch, const Logs &logs) override { step(batch, logs); }
  void on_test_begin(const Logs &) override;
  void on_test_batch_end(int64_t batch, const Logs &logs) override;
  void on_test_end(const Logs &logs) override;
  void on_predict_begin(const Logs &) override { begin(); }
  void on_predict_batch_end(int64_t batch, const Logs &) override;
  void on_predict_end(const Logs &) override { finish({}); }

private:
  enum class Style { None, Bar, Line };
  Style style() const;
  void begin();
  void step(int64_t batch, const Logs &logs);
  void finish(const Logs &logs);

  bool inFit = false, validating = false;
  int64_t seen = 0, target = -1;
  std::optional<Progbar> progbar;
};

} // namespace cornet::train
