// SPDX-License-Identifier: Apache-2.0
//
// Every field of a program, set to something impossible in a file whose hash agrees: opening names
// the field. Fields are patched in place, found through the reader itself.
#include "runtime/schema/cornet_generated.h"
#include "tests/runtime/Training.h"

#include <cmath>

using namespace cornet;
using namespace cornet::golden;

namespace {

struct Case {
  const char *name;
  const uint8_t *(*field)(const fb::Program *); ///< where the field lies
  size_t size;                                  ///< its bytes
  uint64_t value;
  const char *words; ///< of the message
  const std::string &file = kDigits;
};

const fb::Variant *variant(const fb::Program *p) { return p->variants()->Get(0); }
/// The variant that this machine loads: the others' code is not looked at.
const fb::Variant *running(const fb::Program *p) {
  static const Program golden = open(kDigits);
  for (const fb::Variant *v : *p->variants())
    if (v->isa()->str() == cornet_program_isa(golden.get()))
      return v;
  return nullptr;
}
const fb::Entry *entry(const fb::Program *p) { return variant(p)->entries()->Get(0); }
const fb::Plan *plan(const fb::Program *p, unsigned i = 0) { return entry(p)->plans()->Get(i); }
const fb::Step *step(const fb::Program *p) { return plan(p)->steps()->Get(1); }
const fb::TensorSpec *input(const fb::Program *p) { return entry(p)->inputs()->Get(0); }
const fb::Variable *variable(const fb::Program *p, const char *name = "dense/kernel") {
  for (const fb::Variable *v : *p->variables())
    if (v->name()->string_view() == name)
      return v;
  return nullptr;
}
const fb::Entry *entryNamed(const fb::Program *p, const char *name) {
  for (const fb::Entry *e : *variant(p)->entries())
    if (e->name()->string_view() == name)
      return e;
  return nullptr;
}
/// A buffer of the training step that is a variable.
const fb::Buffer *stepVariable(const fb::Program *p) {
  for (const fb::Buffer *b : *entryNamed(p, "train_step")->plans()->Get(0)->buffers())
    if (b->storage() == fb::Storage_variable)
      return b;
  return nullptr;
}
/// The last buffer that may be a ring.
const fb::Buffer *ring(const fb::Program *p) {
  const fb::Buffer *last = nullptr;
  for (const fb::Buffer *b : *plan(p)->buffers())
    last = b->period() > 0 ? b : last;
  return last;
}
const fb::Buffer *buffer(const fb::Program *p, fb::Storage storage) {
  for (const fb::Buffer *b : *plan(p)->buffers())
    if (b->storage() == storage)
      return b;
  return nullptr;
}

template <class T> const uint8_t *at(const T *table, flatbuffers::voffset_t field) {
  return reinterpret_cast<const flatbuffers::Table *>(table)->GetAddressOf(field);
}

#define FIELD(expression) [](const fb::Program *p) -> const uint8_t * { return expression; }

constexpr uint64_t kHuge = uint64_t(1) << 62, kAll = ~uint64_t(0);

const Case kCases[] = {
    {"schema", FIELD(at(p, fb::Program::VT_SCHEMA)), 4, 2, "schema 2"},
    {"segmentOffset", FIELD(at(p->segments()->Get(1), fb::Segment::VT_OFFSET)), 8, 64,
     "segments[1].offset"},
    {"segmentPastEnd", FIELD(at(p->segments()->Get(1), fb::Segment::VT_OFFSET)), 8, kHuge,
     "segments[1] lies"},
    {"segmentWraps", FIELD(at(p->segments()->Get(2), fb::Segment::VT_SIZE)), 8, kAll - 4095,
     "segments[2] lies"},
    {"segmentHash", FIELD(p->segments()->Get(running(p)->code())->sha256()->data()), 8, 0,
     "SHA-256"},
    {"segmentHashLength", FIELD(p->segments()->Get(0)->sha256()->data() - 4), 4, 31,
     "segments[0].sha256"},
    {"code", FIELD(at(variant(p), fb::Variant::VT_CODE)), 4, 99, "variants[0].code"},
    {"weights", FIELD(at(variant(p), fb::Variant::VT_WEIGHTS)), 4, 99, "variants[0].weights"},
    {"dtype", FIELD(at(input(p), fb::TensorSpec::VT_DTYPE)), 1, 5, "inputs[0].dtype"},
    {"noBatch", FIELD(input(p)->shape()->Data()), 8, 1, "inputs[0].shape has no batch"},
    {"negativeExtent", FIELD(input(p)->shape()->Data() + 8), 8, kAll, "inputs[0].shape[1]"},
    {"hugeExtent", FIELD(input(p)->shape()->Data() + 8), 8, uint64_t(1) << 40,
     "inputs[0].shape[1]"},
    {"otherExtent", FIELD(input(p)->shape()->Data() + 8), 8, 9, ".size is not that of the tensor"},
    {"rank", FIELD(input(p)->shape()->Data() - 4), 4, 0, "inputs[0].shape"},
    {"noRows", FIELD(at(plan(p), fb::Plan::VT_BATCH)), 8, 0, "plans[0].batch"},
    {"manyRows", FIELD(at(plan(p), fb::Plan::VT_BATCH)), 8, kHuge, "plans[0].batch"},
    {"otherBatch", FIELD(at(plan(p), fb::Plan::VT_BATCH)), 8, 2, ".size is not that of the tensor"},
    {"hugeArena", FIELD(at(plan(p), fb::Plan::VT_ARENA_SIZE)), 8, kHuge, "plans[0].arena_size"},
    {"smallArena", FIELD(at(plan(p), fb::Plan::VT_ARENA_SIZE)), 8, 64, "lies outside the arena"},
    {"storage", FIELD(at(buffer(p, fb::Storage_arena), fb::Buffer::VT_STORAGE)), 1, 9,
     ".storage is unknown"},
    {"arenaOffset", FIELD(at(buffer(p, fb::Storage_arena), fb::Buffer::VT_OFFSET)), 8, kAll - 63,
     "outside the arena"},
    {"arenaSize", FIELD(at(buffer(p, fb::Storage_arena), fb::Buffer::VT_SIZE)), 8, kAll,
     "outside the arena"},
    {"misaligned", FIELD(at(buffer(p, fb::Storage_arena), fb::Buffer::VT_OFFSET)), 8, 1,
     ".offset is not aligned"},
    {"weightOffset", FIELD(at(buffer(p, fb::Storage_weights), fb::Buffer::VT_OFFSET)), 8, kHuge,
     "outside the weights"},
    {"weightSize", FIELD(at(buffer(p, fb::Storage_weights), fb::Buffer::VT_SIZE)), 8, kHuge,
     "outside the weights"},
    {"inputIndex", FIELD(at(buffer(p, fb::Storage_input), fb::Buffer::VT_INDEX)), 4, 1,
     ".index names no"},
    {"inputOffset", FIELD(at(buffer(p, fb::Storage_input), fb::Buffer::VT_OFFSET)), 8, 64,
     ".offset is not 0"},
    {"outputSize", FIELD(at(buffer(p, fb::Storage_output), fb::Buffer::VT_SIZE)), 8, kHuge,
     ".size is not that"},
    {"kernel", FIELD(at(step(p), fb::Step::VT_KERNEL)), 4, 9999, "steps[1].kernel"},
    {"tiles", FIELD(at(step(p), fb::Step::VT_TILES)), 8, kAll, "steps[1].tiles"},
    {"hugeScratch", FIELD(at(plan(p)->steps()->Get(0), fb::Step::VT_SCRATCH)), 8, kHuge,
     "steps[0].scratch", kScratch},
    {"oddScratch", FIELD(at(plan(p)->steps()->Get(0), fb::Step::VT_SCRATCH)), 8, 4,
     "steps[0].scratch", kScratch},
    {"follows", FIELD(at(plan(p)->steps()->Get(2), fb::Step::VT_FOLLOWS)), 1, 0,
     ".period: steps of several groups", kBands},
    {"bandsCount", FIELD(step(p)->bands()->Data() - 4), 4, 2, "steps[1].bands do not end", kBands},
    {"bandsFall", FIELD(step(p)->bands()->Data()), 8, kHuge, "steps[1].bands do not ascend",
     kBands},
    {"lastBand", FIELD(step(p)->bands()->Data() + 16), 8, 1, "steps[1].bands do not", kBands},
    {"hugeRings", FIELD(at(plan(p), fb::Plan::VT_RINGS_SIZE)), 8, kHuge, "rings_size", kBands},
    {"smallRings", FIELD(at(plan(p), fb::Plan::VT_RINGS_SIZE)), 8, 16384, "outside the rings",
     kBands},
    {"ringPlace", FIELD(at(ring(p), fb::Buffer::VT_RING)), 8, kHuge, "outside the rings", kBands},
    {"ringAlignment", FIELD(at(ring(p), fb::Buffer::VT_RING)), 8, 4096, "not aligned", kBands},
    {"ringPeriod", FIELD(at(ring(p), fb::Buffer::VT_PERIOD)), 8, 100, "not aligned", kBands},
    {"ringStorage", FIELD(at(ring(p), fb::Buffer::VT_STORAGE)), 1, fb::Storage_weights, "", kBands},
    {"ringTurns", FIELD(ring(p)->turns()->Data() + 8), 8, kHuge, ".turns: a ring turns", kBands},
    {"ringTurnsCount", FIELD(ring(p)->turns()->Data() - 4), 4, 2, ".turns: there is one", kBands},
    {"stepBuffer", FIELD(step(p)->buffers()->Data()), 4, 0xffffffff, "steps[1].buffers"},
    {"testSegment", FIELD(at(p->self_test(), fb::SelfTest::VT_SEGMENT)), 4, 99,
     "self_test.segment"},
    {"testOtherSegment", FIELD(at(p->self_test(), fb::SelfTest::VT_SEGMENT)), 4, 0,
     "self_test.segment"},
    {"testNoRows", FIELD(at(p->self_test(), fb::SelfTest::VT_BATCH)), 8, 0, "self_test.batch"},
    {"testWraps", FIELD(at(p->self_test(), fb::SelfTest::VT_BATCH)), 8, kHuge + 1,
     "self_test.batch"},
    {"testEntry", FIELD(p->self_test()->entry()->Data()), 1, 'x', "self_test.entry"},
    {"variablesSize", FIELD(at(p, fb::Program::VT_VARIABLES_SIZE)), 8, 64,
     "lies outside the variables", kTraining},
    {"hugeVariablesSize", FIELD(at(p, fb::Program::VT_VARIABLES_SIZE)), 8, kHuge,
     "variables_size is out of range", kTraining},
    {"variableType", FIELD(at(variable(p), fb::Variable::VT_DTYPE)), 1, 5, ".dtype is unknown",
     kTraining},
    {"variableWiderType", FIELD(at(variable(p), fb::Variable::VT_DTYPE)), 1, fb::DType_f64,
     "is not the whole variable", kTraining},
    {"variableRank", FIELD(variable(p)->shape()->Data() - 4), 4, 17, "shape has too many extents",
     kTraining},
    {"variableExtent", FIELD(variable(p)->shape()->Data()), 8, kAll, ".shape[0] is negative",
     kTraining},
    {"variableHugeExtent", FIELD(variable(p)->shape()->Data() + 8), 8, uint64_t(1) << 40,
     ".shape[1] is negative or too large", kTraining},
    {"variableOtherExtent", FIELD(variable(p)->shape()->Data()), 8, 7, "is not the whole variable",
     kTraining},
    {"variableOffset", FIELD(at(variable(p), fb::Variable::VT_OFFSET)), 8, kAll - 63,
     "lies outside the variables", kTraining},
    {"variableMisaligned", FIELD(at(variable(p), fb::Variable::VT_OFFSET)), 8, 4,
     ".offset is not aligned", kTraining},
    {"variableIndex", FIELD(at(stepVariable(p), fb::Buffer::VT_INDEX)), 4, 9999,
     ".index names no variable", kTraining},
    {"variablePart", FIELD(at(stepVariable(p), fb::Buffer::VT_SIZE)), 8, 4,
     "is not the whole variable", kTraining},
    {"variableInside", FIELD(at(stepVariable(p), fb::Buffer::VT_OFFSET)), 8, 64,
     "is not the whole variable", kTraining},
    {"notWhole", FIELD(at(entryNamed(p, "read_metrics"), fb::Entry::VT_WHOLE)), 1, 0,
     "shape has no batch first", kTraining},
    {"wholeBatch", FIELD(entryNamed(p, "train_step")->inputs()->Get(0)->shape()->Data()), 8, 4,
     ".size is not that of the tensor", kTraining},
    {"kernelName", FIELD(running(p)->kernels()->Get(0)->Data()), 1, 'x', "kernel"},
};

class VerifyTest : public testing::TestWithParam<Case> {
protected:
  /// `file` with `patch.value` in the field, hashed anew. Where variants share a table, all change.
  static std::vector<uint8_t> patched(const Case &patch) {
    std::vector<uint8_t> file = readFile(patch.file);
    const fb::Program *program = fb::GetProgram(file.data() + sizeof(artifact::Header));
    uint8_t *field = const_cast<uint8_t *>(patch.field(program));
    EXPECT_NE(field, nullptr) << "the golden file leaves this field out";
    if (field)
      std::memcpy(field, &patch.value, patch.size);
    sign(file);
    return file;
  }

  static void expectRefused(const std::vector<uint8_t> &file, const std::string &words) {
    Scratch scratch;
    scratch.write(file.data(), file.size());
    cornet_program *program = nullptr;
    expectFailure(cornet_program_open(scratch.path.c_str(), &program), CORNET_INVALID_FILE, words);
    EXPECT_EQ(program, nullptr);
  }
};

TEST_P(VerifyTest, NamesTheField) { expectRefused(patched(GetParam()), GetParam().words); }

INSTANTIATE_TEST_SUITE_P(Fields, VerifyTest, testing::ValuesIn(kCases),
                         [](const auto &test) { return test.param.name; });

TEST_F(VerifyTest, HeaderFieldsAreNamed) {
  auto with = [](auto change) {
    std::vector<uint8_t> file = readFile(kDigits);
    artifact::Header header;
    std::memcpy(&header, file.data(), sizeof header);
    change(header);
    std::memcpy(file.data(), &header, sizeof header);
    return file;
  };
  using artifact::Header;
  expectRefused(with([](Header &h) { h.magic[7] = 9; }), "magic");
  expectRefused(with([](Header &h) { h.fileSize -= 1; }), "header.fileSize");
  expectRefused(with([](Header &h) { h.programOffset = 0; }), "header.programOffset");
  expectRefused(with([](Header &h) { h.programOffset = 65; }), "header.programOffset");
  expectRefused(with([](Header &h) { h.programOffset = ~uint64_t(63); }), "header.programOffset");
  expectRefused(with([](Header &h) { h.programSize = ~uint64_t(0); }), "header.programSize");
  expectRefused(with([](Header &h) { h.programSize = 15; }), "header.programSize");
  expectRefused(with([](Header &h) { h.programSize -= 1; }), "header.programSha256");
  expectRefused(with([](Header &h) { h.programSha256[0] ^= 1; }), "header.programSha256");
}

TEST_F(VerifyTest, AProgramOfGigabytesIsRefusedUnread) {
  Scratch scratch;
  std::vector<uint8_t> file = readFile(kDigits);
  artifact::Header header;
  std::memcpy(&header, file.data(), sizeof header);
  header.fileSize = uint64_t(3) << 30, header.programSize = header.fileSize - header.programOffset;
  scratch.write(&header, sizeof header);
  ASSERT_EQ(truncate(scratch.path.c_str(), off_t(header.fileSize)), 0); // sparse
  cornet_program *program = nullptr;
  expectFailure(cornet_program_open(scratch.path.c_str(), &program), CORNET_INVALID_FILE,
                "header.programSize");
}

TEST_F(VerifyTest, AnArenaLargerThanTheMachineIsAStatus) {
  std::vector<uint8_t> file = readFile(kDigits);
  const fb::Program *program = fb::GetProgram(file.data() + sizeof(artifact::Header));
  uint64_t bytes = uint64_t(1) << 40;
  for (const fb::Variant *v : *program->variants())
    std::memcpy(
        const_cast<uint8_t *>(at(v->entries()->Get(0)->plans()->Get(0), fb::Plan::VT_ARENA_SIZE)),
        &bytes, 8);
  sign(file);
  Scratch scratch;
  scratch.write(file.data(), file.size());
  Program opened = open(scratch.path);
  cornet_session *session = nullptr;
  expectFailure(cornet_session_create(opened.get(), nullptr, &session), CORNET_OUT_OF_MEMORY,
                "'digits' needs");
  EXPECT_EQ(session, nullptr);
}

TEST_F(VerifyTest, VariablesLargerThanTheMachineAreAStatus) {
  std::vector<uint8_t> file = readFile(kTraining);
  const fb::Program *program = fb::GetProgram(file.data() + sizeof(artifact::Header));
  uint64_t bytes = uint64_t(1) << 40;
  std::memcpy(const_cast<uint8_t *>(at(program, fb::Program::VT_VARIABLES_SIZE)), &bytes, 8);
  sign(file);
  Scratch scratch;
  scratch.write(file.data(), file.size());
  Program opened = open(scratch.path);
  cornet_session *session = nullptr;
  expectFailure(cornet_session_create(opened.get(), nullptr, &session), CORNET_OUT_OF_MEMORY,
                "'train' needs");
  EXPECT_EQ(session, nullptr);
}

TEST_F(VerifyTest, ChangedWeightsAreFoundByVerify) {
  std::vector<uint8_t> file = readFile(kDigits);
  const fb::Program *program = fb::GetProgram(file.data() + sizeof(artifact::Header));
  file[program->segments()->Get(0)->offset() + 5] ^= 1;
  Scratch scratch;
  scratch.write(file.data(), file.size());
  Program opened = open(scratch.path);
  expectFailure(cornet_program_verify(opened.get()), CORNET_INVALID_FILE, "segments[0]");
}

TEST_F(VerifyTest, ASelfTestThatDisagreesIsAWrongResult) {
  std::vector<uint8_t> file = readFile(kDigits);
  const fb::Program *program = fb::GetProgram(file.data() + sizeof(artifact::Header));
  const fb::Segment *segment = program->segments()->Get(program->self_test()->segment());
  const float expected[] = {0.5f, NAN};
  for (const float &value : expected) {
    std::memcpy(file.data() + segment->offset() + segment->size() - 4, &value, 4);
    Scratch scratch;
    scratch.write(file.data(), file.size());
    Program opened = open(scratch.path);
    double largest = 77;
    expectFailure(cornet_session_self_test(createSession(opened).get(), &largest),
                  CORNET_WRONG_RESULT, "self-test");
    EXPECT_EQ(largest, 77);
  }
}

} // namespace
