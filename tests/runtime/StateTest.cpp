// SPDX-License-Identifier: Apache-2.0
//
// Files of variables: what is loaded is what was saved, and training goes on alike; whatever is
// damaged, cut off, or of another program is refused with a sentence, and no variable has changed.
#include "tests/runtime/Training.h"

#include <filesystem>
#include <sys/stat.h>

using namespace cornet;
using namespace cornet::golden;

namespace {

constexpr size_t kHead = 48; ///< magic, size, SHA-256 of the rest

class StateTest : public testing::Test {
protected:
  StateTest() {
    Session session = createSession(program);
    train(program, session, 10);
    saved = variablesOf(program, session);
    expectOk(cornet_session_save(session.get(), scratch.path.c_str()));
    file = readFile(scratch.path);
  }

  /// Loads `bytes` into a session that has trained otherwise: refused, and nothing has changed.
  void expectRefused(const std::vector<uint8_t> &bytes, const std::string &words,
                     const std::string &what) {
    scratch.write(bytes.data(), bytes.size());
    std::string before = variablesOf(program, other);
    Status status(cornet_session_load(other.get(), scratch.path.c_str()));
    std::string message = cornet_status_message(status.get());
    ASSERT_EQ(cornet_status_code(status.get()), CORNET_INVALID_FILE) << what << ": " << message;
    ASSERT_NE(message.find(scratch.path), std::string::npos) << message;
    ASSERT_NE(message.find(words), std::string::npos) << what << ": " << message;
    ASSERT_EQ(variablesOf(program, other), before) << what;
  }

  /// Makes size and SHA-256 agree with the bytes.
  static std::vector<uint8_t> signedAnew(std::vector<uint8_t> bytes) {
    uint64_t size = bytes.size();
    auto hash = artifact::Sha256::of(bytes.data() + kHead, bytes.size() - kHead);
    std::memcpy(bytes.data() + 8, &size, sizeof size);
    std::memcpy(bytes.data() + 16, hash.data(), hash.size());
    return bytes;
  }

  Program program = open(kTraining);
  Session other = createSession(program, 2);
  Scratch scratch;
  std::string saved;         ///< variables
  std::vector<uint8_t> file; ///< of them
};

TEST_F(StateTest, LoadedIsWhatWasSaved) {
  Session session = createSession(program);
  ASSERT_NE(variablesOf(program, session), saved);
  expectOk(cornet_session_load(session.get(), scratch.path.c_str()));
  EXPECT_EQ(variablesOf(program, session), saved);
  expectOk(cornet_session_save(session.get(), scratch.path.c_str()));
  EXPECT_EQ(readFile(scratch.path), file) << "saved again, the file is another";
}

TEST_F(StateTest, TrainingGoesOnAsIfNothingHadHappened) {
  Session straight = createSession(program), resumed = createSession(program, 3);
  train(program, straight, 10);
  train(program, straight, 10, 500);
  expectOk(cornet_session_load(resumed.get(), scratch.path.c_str()));
  train(program, resumed, 10, 500);
  EXPECT_EQ(variablesOf(program, resumed), variablesOf(program, straight));
}

TEST_F(StateTest, EveryTruncationIsRefused) {
  for (size_t size = 0; size < file.size(); size += size < 256 ? 1 : 37)
    ASSERT_NO_FATAL_FAILURE(expectRefused({file.begin(), file.begin() + long(size)}, "",
                                          "cut to " + std::to_string(size)));
  ASSERT_NO_FATAL_FAILURE(
      expectRefused({file.begin(), file.end() - 1}, "bytes, and has", "cut by one byte"));
  std::vector<uint8_t> grown = file;
  grown.push_back(0);
  expectRefused(grown, "bytes, and has", "grown by one byte");
}

TEST_F(StateTest, EveryFlippedBitIsFound) {
  for (size_t i = 0; i < file.size(); i += i < 256 ? 1 : 11) {
    std::vector<uint8_t> bytes = file;
    bytes[i] ^= uint8_t(1 << i % 8);
    ASSERT_NO_FATAL_FAILURE(expectRefused(bytes,
                                          i < 8    ? "magic"
                                          : i < 16 ? "bytes, and has"
                                                   : "SHA-256",
                                          "byte " + std::to_string(i)));
  }
}

TEST_F(StateTest, DamageThatIsHashedAnewNeverCrashes) {
  int refused = 0;
  for (size_t i = kHead; i < file.size(); ++i) {
    std::vector<uint8_t> bytes = file;
    bytes[i] ^= i % 2 ? 0xff : uint8_t(1 << i % 8);
    bytes = signedAnew(bytes);
    scratch.write(bytes.data(), bytes.size());
    std::string before = variablesOf(program, other);
    Status status(cornet_session_load(other.get(), scratch.path.c_str()));
    if (!status)
      continue; // a cell
    ++refused;
    ASSERT_EQ(cornet_status_code(status.get()), CORNET_INVALID_FILE);
    ASSERT_EQ(variablesOf(program, other), before);
  }
  EXPECT_GT(refused, 100) << "names, types and shapes were taken as they came";
}

TEST_F(StateTest, RecordsThatLieAreRefused) {
  auto with = [&](size_t at, uint64_t value, size_t size) {
    std::vector<uint8_t> bytes = file;
    std::memcpy(bytes.data() + at, &value, size);
    return signedAnew(bytes);
  };
  uint32_t length;
  std::memcpy(&length, file.data() + kHead, 4);
  size_t dtype = kHead + 4 + length, rank = dtype + 4;
  ASSERT_LT(rank, file.size());
  for (uint64_t huge : {uint64_t(0xffffffff), uint64_t(0x7fffffff), uint64_t(file.size())})
    expectRefused(with(kHead, huge, 4), "is cut off", "a long name");
  expectRefused(with(dtype, 99, 4), "is cut off", "an unknown element type");
  expectRefused(with(rank, 17, 4), "is cut off", "a high rank");
  expectRefused(with(kHead + 4, 'X', 1), "has no variable '", "another name");
  // The last variable is left out: the file ends before it.
  std::string last = variableAt(program, cornet_program_variable_count(program.get()) - 1).name;
  auto at = std::search(file.begin() + kHead, file.end(), last.begin(), last.end());
  ASSERT_NE(at, file.end());
  expectRefused(signedAnew({file.begin(), at - 4}), "has no variable '" + last + "'",
                "a variable less");
  expectRefused(signedAnew({file.begin(), file.begin() + kHead}), "has no variable '",
                "no variable");
}

TEST_F(StateTest, OtherFilesAreRefused) {
  expectRefused(readFile(kTraining), "is no file of variables", "an artifact");
  expectRefused({}, "is no file of variables", "an empty file");
  std::string before = variablesOf(program, other);
  expectFailure(cornet_session_load(other.get(), "/nonexistent/state"), CORNET_IO,
                "/nonexistent/state");
  expectFailure(cornet_session_load(other.get(), "/tmp"), CORNET_IO, "no regular file");
  expectFailure(cornet_session_load(other.get(), nullptr), CORNET_INVALID_ARGUMENT, "NULL");
  expectFailure(cornet_session_load(nullptr, scratch.path.c_str()), CORNET_INVALID_ARGUMENT);
  EXPECT_EQ(variablesOf(program, other), before);
}

TEST_F(StateTest, SavingFailsWithASentenceAndLeavesTheOldFile) {
  expectFailure(cornet_session_save(other.get(), "/nonexistent/state"), CORNET_IO,
                "/nonexistent/state");
  expectFailure(cornet_session_save(other.get(), nullptr), CORNET_INVALID_ARGUMENT, "NULL");
  expectFailure(cornet_session_save(nullptr, scratch.path.c_str()), CORNET_INVALID_ARGUMENT);
  // A folder stands where the file should go: the rename fails, and nothing stays beside it.
  std::string folder = scratch.path + ".folder", inside = folder + "/in";
  ASSERT_EQ(mkdir(folder.c_str(), 0777), 0);
  ASSERT_EQ(mkdir(inside.c_str(), 0777), 0);
  expectFailure(cornet_session_save(other.get(), inside.c_str()), CORNET_IO, inside);
  int beside = 0;
  for (auto &entry : std::filesystem::directory_iterator(folder))
    beside += entry.path() != inside;
  EXPECT_EQ(beside, 0);
  std::filesystem::remove_all(folder);
  EXPECT_EQ(readFile(scratch.path), file);
}

TEST(StateOfNothing, AProgramWithoutVariablesHasAnEmptyState) {
  Program program = open(kDigits);
  Session session = createSession(program);
  EXPECT_EQ(cornet_program_variable_count(program.get()), 0u);
  EXPECT_EQ(cornet_session_variable(session.get(), 0), nullptr);
  Scratch scratch;
  expectOk(cornet_session_save(session.get(), scratch.path.c_str()));
  expectOk(cornet_session_load(session.get(), scratch.path.c_str()));
}

} // namespace
