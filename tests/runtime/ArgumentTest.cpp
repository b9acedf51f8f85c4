// SPDX-License-Identifier: Apache-2.0
//
// The caller's mistakes, and a system that refuses: a status with a sentence, out-parameters
// untouched, never a crash.
#include "tests/runtime/Golden.h"

#include <cerrno>
#include <cstdarg>
#include <cstdlib>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>

static bool forbidMemoryFiles = false;

/// The runtime's memfd_create is this one, so that a test can be the policy that forbids it.
extern "C" int memfd_create(const char *name, unsigned flags) noexcept {
  if (!forbidMemoryFiles)
    return int(syscall(SYS_memfd_create, name, flags));
  errno = EACCES;
  return -1;
}

using namespace cornet::golden;

namespace {

cornet_program *const kNoProgram = reinterpret_cast<cornet_program *>(1);
cornet_session *const kNoSession = reinterpret_cast<cornet_session *>(1);

void expectCannotOpen(const char *path, cornet_code code, const std::string &words) {
  cornet_program *program = kNoProgram;
  expectFailure(cornet_program_open(path, &program), code, words);
  EXPECT_EQ(program, kNoProgram);
}

TEST(OpenTest, RefusesWhatIsNoArtifact) {
  expectCannotOpen(nullptr, CORNET_INVALID_ARGUMENT, "path");
  expectFailure(cornet_program_open(kDigits.c_str(), nullptr), CORNET_INVALID_ARGUMENT, "program");
  expectCannotOpen("/nowhere/model.cornet", CORNET_IO, "/nowhere/model.cornet: No such file");
  expectCannotOpen("/tmp", CORNET_IO, "not a regular file");
  expectCannotOpen("/dev/null", CORNET_IO, "not a regular file");
  expectCannotOpen(CORNET_SOURCE_DIR "/LICENSE", CORNET_INVALID_FILE, "magic");
  Scratch empty;
  expectCannotOpen(empty.path.c_str(), CORNET_INVALID_FILE, "shorter");
}

TEST(OpenTest, DoesNotWaitForAPipe) {
  Scratch scratch;
  std::string pipe = scratch.path + ".pipe";
  ASSERT_EQ(mkfifo(pipe.c_str(), 0600), 0);
  expectCannotOpen(pipe.c_str(), CORNET_IO, "not a regular file");
  unlink(pipe.c_str());
}

TEST(OpenTest, UsesATemporaryFileWhereMemoryFilesAreForbidden) {
  forbidMemoryFiles = true;
  Program program = open(kDigits), second = open(kPadded);
  expectOk(cornet_session_self_test(createSession(program).get(), nullptr));
  expectOk(cornet_session_self_test(createSession(second).get(), nullptr));
  Program bands = open(kBands); // without rings it takes more memory, and computes the same
  expectOk(cornet_session_self_test(createSession(bands).get(), nullptr));
  setenv("TMPDIR", "/nowhere", 1);
  expectCannotOpen(kDigits.c_str(), CORNET_UNSUPPORTED, "TMPDIR");
  unsetenv("TMPDIR");
  forbidMemoryFiles = false;
}

TEST(ArgumentTest, AProgramThatIsNullIsEmpty) {
  cornet_tensor_spec spec{};
  cornet_step_spec step{};
  cornet_session *session = kNoSession;
  EXPECT_STREQ(cornet_program_model(nullptr), "");
  EXPECT_STREQ(cornet_program_isa(nullptr), "");
  EXPECT_EQ(cornet_program_file_size(nullptr), 0u);
  EXPECT_EQ(cornet_program_weights_size(nullptr), 0u);
  EXPECT_EQ(cornet_program_code_size(nullptr), 0u);
  EXPECT_EQ(cornet_program_provenance(nullptr, 0, nullptr), nullptr);
  EXPECT_EQ(cornet_program_entry_count(nullptr), 0u);
  EXPECT_EQ(cornet_program_plan_count(nullptr, 0), 0u);
  expectFailure(cornet_program_verify(nullptr), CORNET_INVALID_ARGUMENT, "program");
  expectFailure(cornet_program_input(nullptr, 0, 0, &spec), CORNET_INVALID_ARGUMENT);
  expectFailure(cornet_program_step(nullptr, 0, 0, 0, &step), CORNET_INVALID_ARGUMENT);
  expectFailure(cornet_session_create(nullptr, nullptr, &session), CORNET_INVALID_ARGUMENT,
                "program");
  EXPECT_EQ(session, kNoSession);
  cornet_program_destroy(nullptr);
  cornet_session_destroy(nullptr);
  cornet_status_destroy(nullptr);
  EXPECT_EQ(cornet_status_code(nullptr), CORNET_OK);
  EXPECT_STREQ(cornet_status_message(nullptr), "");
}

TEST(ArgumentTest, WhatDoesNotExistIsNamed) {
  Program program = open(kDigits);
  cornet_tensor_spec spec{nullptr, CORNET_I1, 77, nullptr};
  cornet_step_spec step{nullptr, nullptr, nullptr, 77};
  expectFailure(cornet_program_input(program.get(), 0, 1, &spec), CORNET_INVALID_ARGUMENT,
                "tensor 1");
  expectFailure(cornet_program_output(program.get(), 9, 0, &spec), CORNET_INVALID_ARGUMENT,
                "entry point");
  expectFailure(cornet_program_input(program.get(), 0, 0, nullptr), CORNET_INVALID_ARGUMENT,
                "spec");
  expectFailure(cornet_program_step(program.get(), 0, 2, 0, &step), CORNET_INVALID_ARGUMENT,
                "step 0");
  expectFailure(cornet_program_step(program.get(), 0, 0, 999, &step), CORNET_INVALID_ARGUMENT,
                "step 999");
  expectFailure(cornet_program_step(program.get(), 0, 0, 0, nullptr), CORNET_INVALID_ARGUMENT,
                "spec");
  cornet_step_work work{77, 0, 0, 0};
  expectFailure(cornet_program_step_work(program.get(), 0, 0, 999, &work), CORNET_INVALID_ARGUMENT,
                "step 999");
  expectFailure(cornet_program_step_work(program.get(), 0, 0, 0, nullptr), CORNET_INVALID_ARGUMENT,
                "work");
  EXPECT_EQ(work.flops, 77u);
  EXPECT_EQ(spec.rank, 77u);
  EXPECT_EQ(step.tiles, 77u);
  EXPECT_EQ(cornet_program_entry_name(program.get(), 1), nullptr);
  EXPECT_EQ(cornet_program_plan_batch(program.get(), 0, 2), 0u);
  EXPECT_EQ(cornet_program_plan_arena(program.get(), 1, 0), 0u);
  EXPECT_EQ(cornet_program_step_count(program.get(), 0, 2), 0u);
  EXPECT_EQ(cornet_program_provenance(program.get(), 1000, nullptr), nullptr);
}

TEST(ArgumentTest, SessionOptionsAreChecked) {
  Program program = open(kDigits);
  cornet_session *session = kNoSession;
  cornet_session_options unsized{0, 1}, many{sizeof many, 1025};
  expectFailure(cornet_session_create(program.get(), &unsized, &session), CORNET_INVALID_ARGUMENT,
                "size");
  expectFailure(cornet_session_create(program.get(), &many, &session), CORNET_INVALID_ARGUMENT,
                "1025");
  expectFailure(cornet_session_create(program.get(), nullptr, nullptr), CORNET_INVALID_ARGUMENT,
                "session");
  EXPECT_EQ(session, kNoSession);
}

TEST(ArgumentTest, CallsAreChecked) {
  Program program = open(kDigits);
  Session session = createSession(program);
  std::vector<float> input = randomRows(1), output(kOut, 77);
  std::vector<uint64_t> times(100, 77);
  const void *inputs[] = {input.data()}, *noInput[] = {nullptr};
  void *outputs[] = {output.data()}, *noOutput[] = {nullptr};
  auto invoke = cornet_session_invoke;
  cornet_session *s = session.get();
  expectFailure(invoke(nullptr, 0, 1, inputs, outputs), CORNET_INVALID_ARGUMENT, "session");
  expectFailure(invoke(s, 1, 1, inputs, outputs), CORNET_INVALID_ARGUMENT, "entry point 1");
  expectFailure(invoke(s, 0, 1, nullptr, outputs), CORNET_INVALID_ARGUMENT, "'image' is NULL");
  expectFailure(invoke(s, 0, 1, noInput, outputs), CORNET_INVALID_ARGUMENT, "'image' is NULL");
  expectFailure(invoke(s, 0, 1, inputs, nullptr), CORNET_INVALID_ARGUMENT, "'dense_1' is NULL");
  expectFailure(invoke(s, 0, 1, inputs, noOutput), CORNET_INVALID_ARGUMENT, "'dense_1' is NULL");
  expectFailure(invoke(s, 0, UINT64_MAX, inputs, outputs), CORNET_INVALID_ARGUMENT,
                "rows of 'image'");
  expectFailure(cornet_session_profile(s, 0, 2, inputs, outputs, times.data()),
                CORNET_INVALID_ARGUMENT, "plan 2");
  expectFailure(cornet_session_profile(s, 0, 0, inputs, outputs, nullptr), CORNET_INVALID_ARGUMENT,
                "nanoseconds");
  expectFailure(cornet_session_profile(nullptr, 0, 0, inputs, outputs, times.data()),
                CORNET_INVALID_ARGUMENT);
  expectFailure(cornet_session_self_test(nullptr, nullptr), CORNET_INVALID_ARGUMENT, "session");
  EXPECT_EQ(output, std::vector<float>(kOut, 77));
  EXPECT_EQ(times, std::vector<uint64_t>(100, 77));
}

#ifndef CORNET_TEST_SANITIZED // a limit on address space stops the sanitizers themselves
TEST(ArgumentTest, ASystemWithoutThreadsIsAStatus) {
  static constexpr int kUnlimited = 77; // emulators keep no limits: nothing to see there
  Program program = open(kDigits);
  auto attempt = [&] {
    rlimit limit{512u << 20, 512u << 20}; // 1023 stacks of 8 MiB do not fit
    setrlimit(RLIMIT_AS, &limit);
    if (mmap(nullptr, 1 << 30, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED)
      _exit(kUnlimited);
    cornet_session_options options{sizeof options, 1024};
    cornet_session *session = kNoSession;
    Status status(cornet_session_create(program.get(), &options, &session));
    std::string message = cornet_status_message(status.get());
    bool good = session == kNoSession && cornet_status_code(status.get()) == CORNET_IO;
    _exit(good && message.find("threads") != std::string::npos ? 0 : 1);
  };
  auto isGood = [](int status) {
    return testing::ExitedWithCode(0)(status) || testing::ExitedWithCode(kUnlimited)(status);
  };
  EXPECT_EXIT(attempt(), isGood, "");
}
#endif

} // namespace
