// SPDX-License-Identifier: Apache-2.0
//
// Opening an artifact: map, check the header, hash and verify the program, choose the variant for
// this CPU, hash and load its code. Weights stay mapped and are read by the kernels themselves.
#include "runtime/core/Program.h"

#include "runtime/core/Cpu.h"
#include "runtime/core/Verify.h"
#include "runtime/schema/Header.h"
#include "runtime/schema/Sha256.h"

#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <memory>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace cornet;
using namespace cornet::runtime;

namespace cornet::runtime {

size_t sizeOf(fb::DType dtype) {
  switch (dtype) {
  case fb::DType_f64:
  case fb::DType_i64:
    return 8;
  case fb::DType_i1:
    return 1;
  default:
    return 4;
  }
}

bool hasBatch(const fb::TensorSpec *spec) {
  return spec->shape()->size() > 0 && spec->shape()->Get(0) == -1;
}

static uint64_t cells(const flatbuffers::Vector<int64_t> *shape, unsigned first) {
  uint64_t count = 1;
  for (unsigned d = first; d < shape->size(); ++d)
    count *= uint64_t(shape->Get(d));
  return count;
}

uint64_t rowBytes(const fb::TensorSpec *spec) {
  return sizeOf(spec->dtype()) * cells(spec->shape(), hasBatch(spec));
}

uint64_t bytesOf(const fb::Variable *variable) {
  return sizeOf(variable->dtype()) * cells(variable->shape(), 0);
}

namespace {

// Bounds on the time a hostile program can take, a hundred times what large models need.
constexpr uint64_t kLargestProgram = 1 << 28; ///< bytes
constexpr unsigned kMostTables = 1 << 20;

cornet_status *damaged(const char *path, const std::string &why) {
  return fail(CORNET_INVALID_FILE, std::string(path) + ": " + why + "; compile the model again");
}

cornet_status *map(const char *path, cornet_program &out) {
  int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  struct stat info;
  if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    std::string why = fd < 0 ? std::strerror(errno) : "not a regular file";
    if (fd >= 0)
      close(fd);
    return fail(CORNET_IO, std::string(path) + ": " + why);
  }
  out.fileSize = size_t(info.st_size);
  void *memory = out.fileSize >= sizeof(artifact::Header)
                     ? mmap(nullptr, out.fileSize, PROT_READ, MAP_PRIVATE, fd, 0)
                     : MAP_FAILED;
  close(fd);
  if (out.fileSize < sizeof(artifact::Header))
    return damaged(path, "the file is shorter than an artifact's header");
  if (memory == MAP_FAILED)
    return fail(CORNET_IO, std::string(path) + ": cannot be mapped: " + std::strerror(errno));
  out.file = static_cast<const uint8_t *>(memory);
  return nullptr;
}

cornet_status *readProgram(const char *path, cornet_program &out) {
  artifact::Header header;
  std::memcpy(&header, out.file, sizeof header);
  if (std::memcmp(header.magic, artifact::kMagic, sizeof header.magic))
    return damaged(path, "not a Cornet artifact (its magic is wrong)");
  if (header.fileSize != out.fileSize)
    return damaged(path, "header.fileSize says " + std::to_string(header.fileSize) +
                             " bytes, the file has " + std::to_string(out.fileSize));
  if (header.programOffset % 64 || header.programOffset < sizeof header ||
      header.programOffset > out.fileSize)
    return damaged(path, "header.programOffset lies outside the file or is not aligned");
  if (header.programSize > out.fileSize - header.programOffset || header.programSize < 16 ||
      header.programSize > kLargestProgram)
    return damaged(path, "header.programSize is " + std::to_string(header.programSize) +
                             " bytes, which is too small, too large or past the file's end");
  const uint8_t *bytes = out.file + header.programOffset;
  auto hash = artifact::Sha256::of(bytes, header.programSize);
  if (std::memcmp(hash.data(), header.programSha256, 32))
    return damaged(path, "header.programSha256 is not that of the program");
  flatbuffers::Verifier verifier(bytes, header.programSize, 32, kMostTables);
  if (!fb::ProgramBufferHasIdentifier(bytes) || !fb::VerifyProgramBuffer(verifier))
    return damaged(path, "the program is not a well-formed FlatBuffer of this schema");
  out.program = fb::GetProgram(bytes);
  std::string error = verifyProgram(out.program, header.programSize, out.fileSize);
  return error.empty() ? nullptr : damaged(path, error);
}

cornet_status *chooseVariant(const char *path, cornet_program &out) {
  std::string offered;
  int best = -1;
  for (const fb::Variant *variant : *out.program->variants()) {
    offered += (offered.empty() ? "" : ", ") + variant->isa()->str();
    if (int rank = rankOf(variant->isa()->c_str()); rank > best)
      best = rank, out.variant = variant;
  }
  if (out.variant)
    return nullptr;
  std::string message = std::string(path) + ": compiled for " + offered + "; this CPU has ";
  if (const char *level = bestLevel())
    message += std::string(level) + "; compile with --cpu=" + level;
  else
    message += "none of the levels that kernels are compiled for";
  return fail(CORNET_UNSUPPORTED, message);
}

bool matches(const cornet_program &program, const fb::Segment *segment) {
  auto hash = artifact::Sha256::of(program.file + segment->offset(), segment->size());
  return !std::memcmp(hash.data(), segment->sha256()->data(), 32);
}

cornet_status *loadCode(const char *path, cornet_program &out) {
  const fb::Segment *segment = out.program->segments()->Get(out.variant->code());
  if (!matches(out, segment))
    return damaged(path, "segments[" + std::to_string(out.variant->code()) +
                             "]: the code's SHA-256 does not match");
  const uint8_t *code = out.file + segment->offset();
  if (std::string error = refuseMachine(code, segment->size()); !error.empty())
    return damaged(path, "segments[" + std::to_string(out.variant->code()) + "]: " + error);
  if (std::string error = out.code.load(code, segment->size()); !error.empty())
    return fail(CORNET_UNSUPPORTED, std::string(path) + ": " + error);
  for (const auto *name : *out.variant->kernels()) {
    void *symbol = out.code.find(name->c_str());
    if (!symbol)
      return damaged(path, "the code lacks kernel '" + name->str() + "'");
    out.kernels.push_back(reinterpret_cast<Kernel>(symbol));
  }
  return nullptr;
}

} // namespace
} // namespace cornet::runtime

cornet_program::~cornet_program() {
  if (file)
    munmap(const_cast<uint8_t *>(file), fileSize);
}

extern "C" {

cornet_status *cornet_program_open(const char *path, cornet_program **program) {
  return guarded([&]() -> cornet_status * {
    if (!path || !program)
      return fail(CORNET_INVALID_ARGUMENT,
                  "cornet_program_open: path and program must not be NULL");
    auto loaded = std::make_unique<cornet_program>();
    for (auto step : {map, readProgram, chooseVariant, loadCode})
      if (cornet_status *status = step(path, *loaded))
        return status;
    *program = loaded.release();
    return nullptr;
  });
}

void cornet_program_destroy(cornet_program *program) { delete program; }

cornet_status *cornet_program_verify(const cornet_program *program) {
  return guarded([&]() -> cornet_status * {
    if (!program)
      return fail(CORNET_INVALID_ARGUMENT, "cornet_program_verify: program must not be NULL");
    for (unsigned i = 0; i < program->program->segments()->size(); ++i)
      if (!matches(*program, program->program->segments()->Get(i)))
        return fail(CORNET_INVALID_FILE,
                    "segments[" + std::to_string(i) +
                        "]: the SHA-256 does not match; compile the model again");
    return nullptr;
  });
}
}
