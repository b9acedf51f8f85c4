// SPDX-License-Identifier: Apache-2.0
//
// The C++ wrapper: the example of its header, ownership, and failures as exceptions.
#include "cornet_runtime.hpp"
#include "tests/runtime/Golden.h"

#include <gmock/gmock.h>

#include <functional>
#include <type_traits>

namespace golden = cornet::golden;
using namespace cornet::rt;

namespace {

static_assert(std::is_nothrow_move_constructible_v<Program> &&
              !std::is_copy_constructible_v<Program>);
static_assert(std::is_nothrow_move_assignable_v<Session> && !std::is_copy_constructible_v<Session>);

std::string messageOf(const std::function<void()> &call, cornet_code code) {
  try {
    call();
  } catch (const Error &error) {
    EXPECT_EQ(error.code(), code);
    return error.what();
  }
  ADD_FAILURE() << "nothing was thrown";
  return "";
}

TEST(WrapperTest, TheExampleComputesWhatTheCInterfaceComputes) {
  cornet::rt::Program program(golden::kDigits);
  cornet::rt::Session session(program, /*threads=*/2);
  std::vector<float> image(program.input(0).rowElements()), scores(program.output(0).rowElements());
  session.invoke(/*rows=*/1, {image.data()}, {scores.data()});
  EXPECT_EQ(scores, golden::invoke(golden::createSession(golden::open(golden::kDigits)), image));
  EXPECT_LT(session.selfTest(), 1e-5);
}

TEST(WrapperTest, TellsWhatAProgramIs) {
  Program program(golden::kDigits);
  program.verify();
  EXPECT_EQ(program.model(), "digits");
#if defined(__aarch64__)
  EXPECT_EQ(program.isa(), "armv8-a");
#else
  EXPECT_EQ(program.isa().substr(0, 6), "x86-64");
#endif
  EXPECT_EQ(program.entry("predict"), 0u);
  EXPECT_EQ(program.entryName(0), "predict");
  EXPECT_EQ(program.inputCount(), 1u);
  EXPECT_EQ(program.outputCount(), 1u);
  EXPECT_EQ(program.batches(), (std::vector<uint64_t>{1, 4}));
  EXPECT_EQ(program.input(0).rowElements(), golden::kIn);
  EXPECT_EQ(program.output(0).rowBytes(), golden::kOut * 4);
}

TEST(WrapperTest, SessionsSurviveMovesOfTheirProgram) {
  Program program(golden::kDigits);
  Session session(program);
  Program moved = std::move(program);
  EXPECT_EQ(program.get(), nullptr);
  Session other = std::move(session);
  EXPECT_EQ(session.get(), nullptr);
  EXPECT_LT(other.selfTest(), 1e-5);
}

TEST(WrapperTest, FailuresAreThrownWithTheSentence) {
  Program program(golden::kDigits);
  Session session(program), empty = std::move(session);
  std::swap(session, empty);
  float value = 0;
  using testing::HasSubstr;
  EXPECT_THAT(messageOf([] { Program("/nowhere/x.cornet"); }, CORNET_IO),
              HasSubstr("/nowhere/x.cornet: No such file"));
  EXPECT_THAT(messageOf([&] { program.input(1); }, CORNET_INVALID_ARGUMENT), HasSubstr("tensor 1"));
  EXPECT_THAT(messageOf([&] { program.entry("fit"); }, CORNET_INVALID_ARGUMENT),
              HasSubstr("'fit'"));
  EXPECT_THAT(messageOf([&] { program.entryName(3); }, CORNET_INVALID_ARGUMENT),
              HasSubstr("entry point"));
  EXPECT_THAT(messageOf([&] { Session(program, 4096); }, CORNET_INVALID_ARGUMENT),
              HasSubstr("4096"));
  EXPECT_THAT(messageOf([&] { session.invoke(1, {nullptr}, {&value}); }, CORNET_INVALID_ARGUMENT),
              HasSubstr("'image'"));
  EXPECT_THAT(messageOf([&] { session.invoke(1, {}, {&value}); }, CORNET_INVALID_ARGUMENT),
              HasSubstr("number of inputs"));
  EXPECT_THAT(messageOf([&] { session.invoke(1, {&value}, {&value}, 7); }, CORNET_INVALID_ARGUMENT),
              HasSubstr("entry point"));
  EXPECT_THAT(messageOf([&] { empty.selfTest(); }, CORNET_INVALID_ARGUMENT), HasSubstr("session"));
  EXPECT_THROW(Program(golden::kDigits + "x"), std::runtime_error);
}

} // namespace
