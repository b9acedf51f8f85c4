// SPDX-License-Identifier: Apache-2.0
//
// Artifacts for other kinds of processors are refused with what they are for and what is here, be
// it that they say so themselves or that their code does.
#include "tests/runtime/Golden.h"

#include "runtime/schema/cornet_generated.h"

#include <elf.h>

using namespace cornet;
using namespace cornet::golden;

namespace {

TEST(CpuTest, AnArtifactForAnotherProcessorIsRefused) {
  cornet_program *program = nullptr;
  Status status(cornet_program_open(kForeign.c_str(), &program));
  EXPECT_EQ(program, nullptr);
  EXPECT_EQ(cornet_status_code(status.get()), CORNET_UNSUPPORTED);
  std::string message = cornet_status_message(status.get());
#if defined(__aarch64__)
  EXPECT_NE(message.find("compiled for x86-64-v3, x86-64-v4; this CPU has armv8-a; compile with "
                         "--cpu=armv8-a"),
            std::string::npos)
      << message;
#else
  EXPECT_NE(message.find("compiled for armv8-a; this CPU has x86-64-v"), std::string::npos)
      << message;
  EXPECT_NE(message.find("; compile with --cpu=x86-64-v"), std::string::npos) << message;
#endif
}

/// The golden artifact with another machine in the headers of its code, hashed anew.
class MachineTest : public testing::TestWithParam<uint16_t> {};

TEST_P(MachineTest, CodeOfAnotherKindIsRefused) {
  std::vector<uint8_t> file = readFile(kDigits);
  artifact::Header header;
  std::memcpy(&header, file.data(), sizeof header);
  const fb::Program *program = fb::GetProgram(file.data() + header.programOffset);
  for (const fb::Variant *variant : *program->variants()) {
    const fb::Segment *segment = program->segments()->Get(variant->code());
    uint8_t *code = file.data() + segment->offset();
    uint16_t machine = GetParam();
    std::memcpy(code + offsetof(Elf64_Ehdr, e_machine), &machine, sizeof machine);
    auto hash = artifact::Sha256::of(code, segment->size());
    std::memcpy(const_cast<uint8_t *>(segment->sha256()->data()), hash.data(), hash.size());
  }
  sign(file);
  Scratch scratch;
  scratch.write(file.data(), file.size());
  cornet_program *opened = nullptr;
  expectFailure(cornet_program_open(scratch.path.c_str(), &opened), CORNET_INVALID_FILE,
                "the code is for ELF machine " + std::to_string(GetParam()) +
                    " and this processor is ");
}

INSTANTIATE_TEST_SUITE_P(All, MachineTest, testing::Values(EM_386, EM_ARM, EM_RISCV));

} // namespace
