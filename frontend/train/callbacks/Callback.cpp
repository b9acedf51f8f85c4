// SPDX-License-Identifier: Apache-2.0
//
// Logs, the hooks' common ground, and the list that fit() calls.
#include "frontend/train/callbacks/ProgbarLogger.h"

#include <algorithm>
#include <stdexcept>
#include <unistd.h>

namespace cornet {

const double *Logs::find(std::string_view name) const {
  for (const Entry &entry : entries)
    if (entry.first == name)
      return &entry.second;
  return nullptr;
}

double Logs::at(std::string_view name) const {
  if (const double *value = find(name))
    return *value;
  throw std::out_of_range("the logs have no '" + std::string(name) + "'; they have: " + names());
}

void Logs::set(std::string_view name, double value) {
  for (Entry &entry : entries)
    if (entry.first == name) {
      entry.second = value;
      return;
    }
  entries.emplace_back(name, value);
}

Logs Logs::sorted() const {
  Logs out = *this;
  std::sort(out.entries.begin(), out.entries.end(),
            [](const Entry &a, const Entry &b) { return a.first < b.first; });
  return out;
}

std::string Logs::names() const {
  std::string out;
  for (const Entry &entry : entries)
    out += (out.empty() ? "" : ", ") + entry.first;
  return out;
}

TrainingControl::~TrainingControl() = default;
Callback::~Callback() = default;

bool outputIsTerminal() { return isatty(STDOUT_FILENO); }

int64_t Frequency::batches(const std::string &owner) const {
  if (word == "epoch")
    return 0;
  if (word == "batch")
    return 1;
  if (word.empty() && number > 0)
    return number;
  throw std::invalid_argument(owner + " is " +
                              (word.empty() ? std::to_string(number) : "'" + word + "'") +
                              R"(; use "epoch", "batch" or a positive number of batches)");
}

CallbackList::CallbackList(std::vector<CallbackPtr> given, TrainingControl *training, Params params)
    : callbacks(std::move(given)) {
  std::erase(callbacks, nullptr);
  bool shown = std::any_of(callbacks.begin(), callbacks.end(), [](const CallbackPtr &callback) {
    return dynamic_cast<train::ProgbarLogger *>(callback.get());
  });
  if (!shown && params.verbose != 0)
    progress = ProgbarLogger();
  each([&](Callback &callback) { callback.params = params, callback.training = training; });
}

bool CallbackList::wantsBatchLogs() const {
  return (progress && progress->wantsBatchLogs()) ||
         std::any_of(callbacks.begin(), callbacks.end(),
                     [](const CallbackPtr &callback) { return callback->wantsBatchLogs(); });
}

template <class Hook> void CallbackList::each(Hook hook) {
  for (const CallbackPtr &callback : callbacks)
    hook(*callback);
  if (progress)
    hook(*progress);
}

void CallbackList::on_epoch_begin(int epoch, const Logs &logs) {
  Logs sorted = logs.sorted();
  each([&](Callback &callback) { callback.on_epoch_begin(epoch, sorted); });
}

void CallbackList::on_epoch_end(int epoch, const Logs &logs) {
  Logs sorted = logs.sorted();
  for (const CallbackPtr &callback : callbacks)
    callback->on_epoch_end(epoch, sorted);
  history.epoch.push_back(epoch);
  for (const auto &[name, value] : sorted)
    history.history[name].push_back(value);
  if (progress)
    progress->on_epoch_end(epoch, sorted);
}

void CallbackList::on_train_begin(const Logs &logs) {
  history.epoch.clear();
  Logs sorted = logs.sorted();
  each([&](Callback &callback) { callback.on_train_begin(sorted); });
}

// The others only hand on.
#define CORNET_WHOLE(hook)                                                                         \
  void CallbackList::hook(const Logs &logs) {                                                      \
    Logs sorted = logs.sorted();                                                                   \
    each([&](Callback &callback) { callback.hook(sorted); });                                      \
  }
#define CORNET_BATCH(hook)                                                                         \
  void CallbackList::hook(int64_t batch, const Logs &logs) {                                       \
    Logs sorted = logs.sorted();                                                                   \
    each([&](Callback &callback) { callback.hook(batch, sorted); });                               \
  }
CORNET_WHOLE(on_train_end)
CORNET_WHOLE(on_test_begin)
CORNET_WHOLE(on_test_end)
CORNET_WHOLE(on_predict_begin)
CORNET_WHOLE(on_predict_end)
CORNET_BATCH(on_train_batch_begin)
CORNET_BATCH(on_train_batch_end)
CORNET_BATCH(on_test_batch_begin)
CORNET_BATCH(on_test_batch_end)
CORNET_BATCH(on_predict_batch_begin)
CORNET_BATCH(on_predict_batch_end)
#undef CORNET_WHOLE
#undef CORNET_BATCH

} // namespace cornet
