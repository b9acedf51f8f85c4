// SPDX-License-Identifier: Apache-2.0
//
// A training that dies by SIGKILL at random moments, again and again, ends in the state of one that
// nobody disturbed, byte for byte.
//
//     kill_test KILLS [SEED]   the test: starts, kills and restarts the training until it has died
//                              KILLS times and has gone on from a state, and compares the end of
//                              each that finished
//     kill_test train FOLDER   the training: goes on from what FOLDER holds, writes FOLDER/final
//
// The moments are spread over the time the whole takes: while the program starts, compiles,
// computes and saves. A training that finishes before its death begins anew in another folder.
#include <cornet/training.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <random>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace fs = std::filesystem;
using namespace cornet;
using Clock = std::chrono::steady_clock;
using data::Array;

namespace {

int train(const fs::path &folder) {
  set_random_seed(11);
  std::mt19937 random(5);
  auto draw = [&] { return float(random() >> 8) / float(1 << 23) - 1; };
  std::vector<float> x(250 * 6), y; // 15 batches of 16 rows and one of 10
  for (float &cell : x)
    cell = draw();
  for (size_t i = 0; i < x.size(); i += 6)
    y.push_back(x[i] * x[i + 1] - 0.5f * x[i + 2]);
  Trainer trainer(Sequential({6}, {Dense({.units = 24, .activation = "tanh"}),
                                   Dropout({.rate = 0.1}), Dense({.units = 1})}));
  trainer.compile({.optimizer = Adam({.learning_rate = 3e-3}),
                   .loss = "mean_squared_error",
                   .metrics = {"mean_absolute_error"},
                   .threads = 2});
  trainer.fit(Array::of<float>({250, 6}, x), Array::of<float>({250, 1}, y),
              {.batch_size = 16,
               .epochs = 60,
               .verbose = 0,
               .callbacks = {BackupAndRestore(
                   {.backup_dir = (folder / "backup").string(), .save_freq = 3})}});
  trainer.saveState((folder / "final").string());
  return 0;
}

/// A folder that is gone with this.
struct Scratch {
  Scratch() {
    std::string pattern = (fs::temp_directory_path() / "cornet-kill-XXXXXX").string();
    if (!mkdtemp(pattern.data()))
      std::perror("mkdtemp"), std::exit(1);
    path = pattern;
  }
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  fs::path path;
};

/// Starts the training in `folder`; kernels are cached in `cache`.
pid_t start(const fs::path &folder, const fs::path &cache) {
  pid_t child = fork();
  if (child != 0)
    return child;
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  setenv("CORNET_CACHE_DIR", cache.c_str(), 1);
  setenv("TMPDIR", folder.c_str(), 1);
  execl("/proc/self/exe", "kill_test", "train", folder.c_str(), static_cast<char *>(nullptr));
  _exit(127);
}

/// How the process ended, at the latest by the given moment.
enum class End { finished, killed, failed };
End wait(pid_t child, Clock::time_point limit) {
  int status = 0;
  while (waitpid(child, &status, WNOHANG) == 0) {
    if (Clock::now() >= limit) {
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      break;
    }
    usleep(200);
  }
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL)
    return End::killed;
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? End::finished : End::failed;
}

std::string read(const fs::path &path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

/// What a killed training left behind.
struct Traces {
  bool state = false, unfinished = false;
};
Traces traces(const fs::path &folder) {
  Traces out;
  std::error_code none;
  for (const fs::directory_entry &entry : fs::directory_iterator(folder / "backup", none)) {
    bool whole =
        entry.path().extension() == ".state" && !entry.path().filename().string().starts_with(".");
    (whole ? out.state : out.unfinished) = true;
  }
  return out;
}

int test(int kills, unsigned seed) {
  Scratch scratch;
  auto folder = [&](const std::string &name) {
    fs::path path = scratch.path / name;
    fs::create_directories(path);
    return path;
  };
  // Twice, to know how long it takes with kernels in the cache, and that it is the same at all.
  const Clock::time_point never = Clock::time_point::max();
  double seconds = 0;
  std::string want;
  for (const char *name : {"first", "second"}) {
    Clock::time_point begin = Clock::now();
    if (wait(start(folder(name), folder("cache")), never) != End::finished)
      return std::printf("FAILED: the undisturbed training\n"), 1;
    seconds = std::chrono::duration<double>(Clock::now() - begin).count();
    std::string got = read(scratch.path / name / "final");
    if (got.empty() || (!want.empty() && got != want))
      return std::printf("FAILED: two undisturbed trainings differ, or leave nothing\n"), 1;
    want = got;
  }
  std::printf("undisturbed: %.2f s, a state of %zu bytes; seed %u\n", seconds, want.size(), seed);

  std::mt19937 random(seed);
  auto between = [&](double low, double high) {
    return low + (high - low) * double(random()) / double(std::mt19937::max());
  };
  int died = 0, resumed = 0, early = 0, saving = 0, rounds = 0;
  double patience = 1; // grows while a busy machine lets no training come as far as its first state
  // Enough is shown when it has died often enough, and has gone on from a state, too.
  const int most = 4 * kills + 20, states = kills < 20 ? 1 : 5;
  auto enough = [&] { return (died >= kills && resumed >= states) || died == most; };
  while (!enough() || rounds == 0) {
    // In turns all kernels are there already, or the training compiles them itself.
    fs::path mine = folder("round" + std::to_string(rounds)),
             cache = rounds % 2 ? mine / "cache" : folder("cache");
    for (bool done = false; !done;) {
      resumed += traces(mine).state;
      // A third dies while it starts and compiles; none once enough is shown.
      double delay = random() % 3 ? between(0.3, 0.95) * seconds : between(0.002, 0.3 * seconds);
      auto time = std::chrono::microseconds(int64_t(delay * patience * 1e6));
      Clock::time_point limit = enough() ? never : Clock::now() + time;
      End end = wait(start(mine, cache), limit);
      if (end == End::failed)
        return std::printf("FAILED: round %d: a restarted training failed\n", rounds), 1;
      done = end == End::finished;
      if (!done) {
        Traces left = traces(mine);
        ++died, early += !left.state, saving += left.unfinished;
        patience = left.state ? 1 : std::min(patience * 1.25, 8.0);
      }
    }
    if (read(mine / "final") != want)
      return std::printf("FAILED: round %d ends in another state\n", rounds), 1;
    ++rounds;
  }
  std::printf("ok: %d deaths in %d trainings; %d before the first state, %d while saving; %d times "
              "a state was there to go on from\n",
              died, rounds, early, saving, resumed);
  if (resumed < states)
    return std::printf("FAILED: hardly a training got as far as a state: nothing was shown\n"), 1;
  return 0;
}

} // namespace

int main(int argc, char **argv) try {
  if (argc == 3 && std::string(argv[1]) == "train")
    return train(argv[2]);
  if (argc < 2 || std::atoi(argv[1]) < 1)
    return std::fprintf(stderr, "usage: kill_test KILLS [SEED]\n"), 2;
  return test(std::atoi(argv[1]), argc > 2 ? unsigned(std::atoi(argv[2])) : 1);
} catch (const std::exception &error) {
  std::fprintf(stderr, "FAILED: %s\n", error.what());
  return 1;
}
