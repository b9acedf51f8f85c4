// SPDX-License-Identifier: Apache-2.0
//
// Keras's ProgbarLogger. Where the number of steps is not known, the first epoch finds it out.
#include "frontend/train/callbacks/ProgbarLogger.h"

#include "frontend/train/callbacks/Text.h"

#include <chrono>
#include <iostream>
#include <sys/ioctl.h>
#include <unistd.h>

namespace cornet::train {
namespace {

double seconds() {
  using Clock = std::chrono::steady_clock;
  return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

int columnsOfTerminal() {
  winsize size{};
  return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

void print(const std::string &text) {
  if (!text.empty())
    std::cout << text << std::flush;
}

} // namespace

ProgbarLogger::Style ProgbarLogger::style() const {
  if (params.verbose == 0)
    return Style::None;
  return params.terminal && params.verbose != 2 ? Style::Bar : Style::Line;
}

bool ProgbarLogger::wantsBatchLogs() const {
  return progbar && !validating && style() == Style::Bar && progbar->due();
}

void ProgbarLogger::begin() {
  seen = 0;
  if (params.steps >= 0)
    target = params.steps;
  progbar.emplace(Progbar::Options{.target = target,
                                   .bar = style() == Style::Bar,
                                   .columns = columnsOfTerminal(),
                                   .now = seconds});
}

void ProgbarLogger::step(int64_t batch, const Logs &logs) {
  seen = batch + 1;
  if (progbar && style() == Style::Bar && !logs.empty()) // empty: nobody asked for them yet
    print(progbar->update(seen, logs, false));
}

void ProgbarLogger::finish(const Logs &logs) {
  if (!progbar || style() == Style::None)
    return;
  if (target < 0)
    progbar->options.target = target = seen;
  print(progbar->update(seen ? seen : target, logs, true));
  progbar.reset();
}

void ProgbarLogger::on_epoch_begin(int epoch, Logs &) {
  begin();
  if (style() != Style::None && params.epochs > 1)
    tell("Epoch " + std::to_string(epoch + 1) + "/" + std::to_string(params.epochs));
}

void ProgbarLogger::on_test_begin(const Logs &) {
  validating = inFit;
  if (!inFit)
    begin();
}

void ProgbarLogger::on_test_batch_end(int64_t batch, const Logs &logs) {
  if (!inFit)
    step(batch, logs);
}

void ProgbarLogger::on_test_end(const Logs &logs) {
  validating = false;
  if (!inFit)
    finish(logs);
}

void ProgbarLogger::on_predict_batch_end(int64_t batch, const Logs &) {
  seen = batch + 1;
  if (progbar && style() == Style::Bar)
    print(progbar->update(seen, {}, false));
}

} // namespace cornet::train

namespace cornet {

CallbackPtr ProgbarLogger() { return std::make_shared<train::ProgbarLogger>(); }

} // namespace cornet
