// SPDX-License-Identifier: Apache-2.0
//
// Keras's BackupAndRestore. The epoch and batch that training goes on from are the name of the
// state file: the one rename that makes the file appear makes both true at once, so no kill can
// part them. Only then is the file before it removed.
#include "frontend/train/callbacks/Files.h"
#include "frontend/train/callbacks/Monitor.h"
#include "frontend/train/callbacks/Text.h"

#include <algorithm>
#include <cstdio>
#include <stdexcept>

namespace cornet {
namespace {

namespace fs = std::filesystem;

struct State {
  fs::path path;
  int epoch = 0;
  int64_t batch = 0;
};

class BackupAndRestoreCallback : public Callback {
public:
  explicit BackupAndRestoreCallback(BackupAndRestoreOptions options)
      : options(options), counter(options.save_freq.batches("BackupAndRestore: save_freq")) {
    if (options.backup_dir.empty())
      throw std::invalid_argument(
          "BackupAndRestore: backup_dir is empty; name a folder of its own");
  }

  bool wantsBatchLogs() const override { return false; }

  void on_train_begin(const Logs &) override {
    removeUnfinished();
    std::string problems;
    for (const State &state : states())
      try {
        if (training->loadState(state.path.string()))
          return resume(state);
      } catch (const std::exception &problem) {
        train::warn("BackupAndRestore: '" + state.path.string() +
                    "' cannot be read: " + problem.what());
        problems = problem.what();
      }
    if (!problems.empty())
      throw std::runtime_error("BackupAndRestore: no state in '" + options.backup_dir +
                               "' can be read (" + problems +
                               "); remove the folder to train from the start");
  }

  void on_epoch_begin(int epoch, Logs &) override { this->epoch = epoch; }
  void on_train_batch_end(int64_t batch, const Logs &) override {
    if (counter.due(batch))
      save(epoch, batch + 1);
  }
  void on_epoch_end(int epoch, Logs &) override {
    counter.skip(0);
    if (!counter.every)
      save(epoch + 1, 0);
  }

  void on_train_end(const Logs &) override {
    if (!options.delete_checkpoint)
      return;
    std::error_code ignored;
    for (const State &state : states())
      fs::remove(state.path, ignored);
    fs::remove(options.backup_dir, ignored); // if nothing else is in it
  }

private:
  static constexpr const char *format = "epoch-%08d-batch-%012lld.state";

  /// The states in the folder, the furthest first.
  std::vector<State> states() const {
    std::vector<State> out;
    std::error_code none;
    for (const fs::directory_entry &entry : fs::directory_iterator(options.backup_dir, none)) {
      int epoch = 0;
      long long batch = 0;
      std::string name = entry.path().filename().string();
      if (std::sscanf(name.c_str(), format, &epoch, &batch) == 2 && name == nameOf(epoch, batch))
        out.push_back({entry.path(), epoch, batch});
    }
    std::sort(out.begin(), out.end(), [](const State &a, const State &b) {
      return std::pair(a.epoch, a.batch) > std::pair(b.epoch, b.batch);
    });
    return out;
  }

  /// What a kill left half written, which nobody else would remove.
  void removeUnfinished() const {
    std::vector<fs::path> unfinished;
    std::error_code ignored;
    for (const fs::directory_entry &entry : fs::directory_iterator(options.backup_dir, ignored))
      if (entry.path().filename().string().starts_with(".writing-epoch-"))
        unfinished.push_back(entry.path());
    for (const fs::path &path : unfinished)
      fs::remove(path, ignored);
  }

  static std::string nameOf(int epoch, long long batch) {
    char name[64];
    std::snprintf(name, sizeof name, format, epoch, batch);
    return name;
  }

  void resume(const State &state) {
    training->initial_epoch = state.epoch;
    training->initial_batch = state.batch;
    counter.skip(state.batch);
    kept = {state.path};
  }

  void save(int epoch, int64_t batch) {
    fs::path path = fs::path(options.backup_dir) / nameOf(epoch, batch);
    train::makeFolderOf(path);
    train::replaceFile("BackupAndRestore", path,
                       [&](const std::string &beside) { training->saveState(beside); });
    std::erase(kept, path);
    kept.insert(kept.begin(), path);
    kept.resize(std::min<size_t>(kept.size(), options.double_checkpoint ? 2 : 1));
    std::error_code ignored;
    for (const State &state : states())
      if (std::find(kept.begin(), kept.end(), state.path) == kept.end())
        fs::remove(state.path, ignored);
  }

  BackupAndRestoreOptions options;
  train::BatchCounter counter;
  int epoch = 0;
  std::vector<fs::path> kept; ///< what this training saved or began with, the newest first
};

} // namespace

CallbackPtr BackupAndRestore(BackupAndRestoreOptions options) {
  return std::make_shared<BackupAndRestoreCallback>(std::move(options));
}

} // namespace cornet
