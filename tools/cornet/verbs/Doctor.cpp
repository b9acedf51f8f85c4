// SPDX-License-Identifier: Apache-2.0
// `cornet doctor`: what of Cornet works on this machine, and what to do about what does not. Each
// check is a function; a failed one is told as a problem with its remedy and makes the exit code 1.
#include "Errors.h"
#include "Model.h"
#include "Table.h"
#include "Verbs.h"

#include <cstdlib>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <fstream>
#include <thread>
#include <unistd.h>

namespace cornet::cli {
namespace {

struct Finding {
  std::string what, state, remedy; ///< no remedy: all is well
};

Finding checkProcessor() {
  std::vector<std::string> has;
#if defined(__x86_64__)
  __builtin_cpu_init();
  has.push_back(__builtin_cpu_supports("x86-64-v4")   ? "x86-64-v4"
                : __builtin_cpu_supports("x86-64-v3") ? "x86-64-v3"
                                                      : "x86-64");
  if (__builtin_cpu_supports("avx512vnni"))
    has.push_back("VNNI");
  if (__builtin_cpu_supports("avx512bf16"))
    has.push_back("bf16");
  if (has[0] == "x86-64")
    return {"processor", has[0], "generated code needs AVX2 and FMA (x86-64-v3)"};
#else
  has.push_back("not x86-64");
#endif
  return {"processor",
          fmt::format("{}, {} threads", fmt::join(has, " "), std::thread::hardware_concurrency()),
          ""};
}

Finding checkMemory() {
  uint64_t bytes = uint64_t(sysconf(_SC_AVPHYS_PAGES)) * uint64_t(sysconf(_SC_PAGESIZE));
  std::string remedy =
      bytes < (1ull << 30) ? "compiling large models may need up to 2 GiB: free some memory" : "";
  return {"free memory", humanBytes(bytes), remedy};
}

Finding checkCompiler() {
  try {
    std::string facts;
    for (const auto &[name, version] : driver().versions())
      facts += fmt::format("{}{} {}", facts.empty() ? "" : ", ", name, version);
    return {"compiler", facts, ""};
  } catch (const UserError &error) {
    return {"compiler", "missing", error.what()};
  }
}

Finding checkZoo() {
  std::vector<std::string> names;
  for (const ZooModel &model : zoo())
    names.push_back(model.name);
  if (names.empty())
    return {"zoo", "empty",
            fmt::format("no models under {}", (libraryFolder() / "models").string())};
  return {"zoo", fmt::to_string(fmt::join(names, " ")), ""};
}

/// Models written in C++ are built with the user's compiler: it must know C++20.
Finding checkUserCompiler() {
  const char *variable = std::getenv("CXX");
  std::string compiler = variable && *variable ? variable : "c++";
  TemporaryFolder folder;
  std::string source = (folder.path() / "probe.cpp").string();
  std::ofstream(source) << "#include <concepts>\n#include <source_location>\nint main() {}\n";
  try {
    if (execute({compiler, "-std=c++20", "-fsyntax-only", source}) == 0)
      return {"C++ compiler", compiler, ""};
    return {"C++ compiler", compiler,
            "it does not compile C++20; set CXX to one that does (GCC 11, clang 15 or newer)"};
  } catch (const UserError &) {
    return {"C++ compiler", compiler + ": not found",
            "install g++ or set CXX, to use models written in C++"};
  }
}

Finding checkCache() {
  const char *cache = std::getenv("XDG_CACHE_HOME"), *home = std::getenv("HOME");
  std::filesystem::path folder =
      cache && *cache ? cache : std::string(home ? home : "/tmp") + "/.cache";
  std::error_code error;
  std::filesystem::create_directories(folder / "cornet", error);
  if (error || access((folder / "cornet").c_str(), W_OK) != 0)
    return {"kernel cache", (folder / "cornet").string(),
            "cannot be written: set XDG_CACHE_HOME to a folder that can"};
  return {"kernel cache", (folder / "cornet").string(), ""};
}

void examine(Context &context) {
  Table table({"what", "state"});
  Json findings = Json::array();
  std::string problems;
  for (auto *check :
       {checkProcessor, checkMemory, checkCompiler, checkZoo, checkUserCompiler, checkCache}) {
    Finding finding = check();
    table.add({finding.what, finding.state});
    findings.push_back({{"what", finding.what},
                        {"state", finding.state},
                        {"ok", finding.remedy.empty()},
                        {"remedy", finding.remedy}});
    if (!finding.remedy.empty())
      problems += fmt::format("problem: {}: {}\n", finding.what, finding.remedy);
  }
  context.exitCode = problems.empty() ? Success : UserMistake;
  context.answer({{"findings", findings}, {"ok", problems.empty()}},
                 table.text() + (problems.empty() ? "everything is well\n" : problems));
}

} // namespace

void addDoctor(CLI::App &app, Context &context) {
  addVerb(app, context, "doctor",
          "Tell what works on this machine, and what to do about what does not",
          [&] { examine(context); });
}

} // namespace cornet::cli
