// SPDX-License-Identifier: Apache-2.0
//
// Runs the `cornet` command as a user would, in a folder of its own.
#pragma once

#include "Data.h"

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>
#include <sys/wait.h>

namespace cornet::cli {

namespace fs = std::filesystem;
using Json = nlohmann::ordered_json;

struct Outcome {
  int code;
  std::string text; ///< standard output and error
};

class CommandTest : public testing::Test {
protected:
  /// A folder with blanks in its name, where the commands run and leave their files.
  static fs::path folder() {
    static const fs::path path =
        fs::path(testing::TempDir()) / ("cornet command " + std::to_string(getpid()));
    fs::create_directories(path);
    return path;
  }
  static Outcome run(const std::string &arguments, const std::string &redirect = "2>&1") {
    std::string line = "cd '" + folder().string() + "' && CORNET_CACHE_DIR='" + folder().string() +
                       "/cache' " CORNET_BINARY_DIR "/bin/cornet " + arguments + " " + redirect;
    FILE *pipe = popen(line.c_str(), "r");
    Outcome outcome{-1, ""};
    char buffer[4096];
    while (size_t got = fread(buffer, 1, sizeof buffer, pipe))
      outcome.text.append(buffer, got);
    int status = pclose(pipe);
    outcome.code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return outcome;
  }
  static std::string good(const std::string &arguments) {
    Outcome outcome = run(arguments);
    EXPECT_EQ(outcome.code, 0) << arguments << '\n' << outcome.text;
    return outcome.text;
  }
  static Json json(const std::string &arguments) {
    Outcome outcome = run(arguments + " --json", "2>/dev/null");
    Json document = Json::parse(outcome.text, nullptr, false);
    EXPECT_FALSE(document.is_discarded()) << arguments << '\n' << outcome.text;
    return document;
  }
  static void write(const std::string &name, const std::string &bytes) {
    writeFile((folder() / name).string(), bytes);
  }

  /// A command that must fail: its exit code, and what it must say.
  struct Bad {
    const char *arguments;
    int code;
    std::vector<std::string> says;
  };
  template <size_t N> static void expectBad(const Bad (&rows)[N]) {
    for (const Bad &bad : rows) {
      Outcome outcome = run(bad.arguments);
      EXPECT_EQ(outcome.code, bad.code) << bad.arguments << '\n' << outcome.text;
      for (const std::string &text : bad.says)
        EXPECT_NE(outcome.text.find(text), std::string::npos)
            << bad.arguments << "\nlacks '" << text << "':\n"
            << outcome.text;
    }
  }
  static void TearDownTestSuite() { fs::remove_all(folder()); }
};

} // namespace cornet::cli
