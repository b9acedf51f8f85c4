// SPDX-License-Identifier: Apache-2.0
//
// cornet_runtime.h for C++17: handles that destroy themselves, failures that are thrown. Header
// only; link libcornet_runtime. The rules on threads and lifetimes are those of the C header.
//
//     cornet::rt::Program program("model.cornet");
//     cornet::rt::Session session(program, /*threads=*/2);
//     std::vector<float> image(program.input(0).rowElements()),
//     scores(program.output(0).rowElements()); session.invoke(/*rows=*/1, {image.data()},
//     {scores.data()});
//
// Every failure is an Error, a std::runtime_error whose what() is the status's sentence.
#pragma once

#include "cornet_runtime.h"

#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace cornet::rt {

class Error : public std::runtime_error {
public:
  Error(cornet_code code, const char *sentence) : std::runtime_error(sentence), reason(code) {}
  cornet_code code() const noexcept { return reason; }

private:
  cornet_code reason;
};

/// Throws an Error if `status` is a failure, and destroys it.
inline void check(cornet_status *status) {
  if (cornet_status_code(status) == CORNET_OK)
    return;
  std::unique_ptr<cornet_status, void (*)(cornet_status *)> owner(status, cornet_status_destroy);
  throw Error(cornet_status_code(status), cornet_status_message(status));
}

/// An input or output. `name` and `shape` live with the program; shape[0] is -1, the rows.
struct TensorSpec : cornet_tensor_spec {
  /// Elements of one row.
  std::size_t rowElements() const noexcept {
    std::size_t elements = 1;
    for (std::size_t d = 1; d < rank; ++d)
      elements *= static_cast<std::size_t>(shape[d]);
    return elements;
  }
  std::size_t elementBytes() const noexcept {
    return dtype == CORNET_F64 || dtype == CORNET_I64 ? 8 : dtype == CORNET_I1 ? 1 : 4;
  }
  std::size_t rowBytes() const noexcept { return rowElements() * elementBytes(); }
};

/// A loaded artifact. Move-only. Any number of threads may use it; it must outlive its sessions,
/// and may be moved while they live.
class Program {
public:
  /// Throws an Error if the file cannot be read, is damaged, or cannot run here.
  explicit Program(const std::string &path) {
    cornet_program *opened = nullptr;
    check(cornet_program_open(path.c_str(), &opened));
    owner.reset(opened);
  }

  /// Checks the SHA-256 of every segment, weights included.
  void verify() const { check(cornet_program_verify(get())); }

  std::string model() const { return cornet_program_model(get()); }
  std::string isa() const { return cornet_program_isa(get()); }

  std::size_t entryCount() const noexcept { return cornet_program_entry_count(get()); }
  /// The number of the entry point called `name`; throws an Error if there is none.
  std::size_t entry(const std::string &name) const {
    for (std::size_t i = 0; i < entryCount(); ++i)
      if (name == cornet_program_entry_name(get(), i))
        return i;
    throw Error(CORNET_INVALID_ARGUMENT, ("there is no entry point '" + name + "'").c_str());
  }
  std::string entryName(std::size_t entry) const {
    const char *name = cornet_program_entry_name(get(), entry);
    return name ? name : throw Error(CORNET_INVALID_ARGUMENT, "there is no such entry point");
  }

  std::size_t inputCount(std::size_t entry = 0) const noexcept {
    return cornet_program_input_count(get(), entry);
  }
  std::size_t outputCount(std::size_t entry = 0) const noexcept {
    return cornet_program_output_count(get(), entry);
  }
  TensorSpec input(std::size_t index, std::size_t entry = 0) const {
    TensorSpec spec;
    check(cornet_program_input(get(), entry, index, &spec));
    return spec;
  }
  TensorSpec output(std::size_t index, std::size_t entry = 0) const {
    TensorSpec spec;
    check(cornet_program_output(get(), entry, index, &spec));
    return spec;
  }

  /// The batch sizes with a plan of their own, ascending.
  std::vector<std::uint64_t> batches(std::size_t entry = 0) const {
    std::vector<std::uint64_t> sizes(cornet_program_plan_count(get(), entry));
    for (std::size_t i = 0; i < sizes.size(); ++i)
      sizes[i] = cornet_program_plan_batch(get(), entry, i);
    return sizes;
  }

  /// The C handle, for what is not wrapped; null after a move.
  cornet_program *get() const noexcept { return owner.get(); }

private:
  struct Destroy {
    void operator()(cornet_program *program) const noexcept { cornet_program_destroy(program); }
  };
  std::unique_ptr<cornet_program, Destroy> owner;
};

/// One caller's state over a program. Move-only. One call at a time.
class Session {
public:
  /// `threads` that compute, the caller's included.
  explicit Session(const Program &program, unsigned threads = 1) : loaded(program.get()) {
    cornet_session_options options{sizeof(cornet_session_options), threads};
    cornet_session *created = nullptr;
    check(cornet_session_create(program.get(), &options, &created));
    owner.reset(created);
  }

  /// Computes `rows` rows: inputs and outputs point to rows * rowBytes() bytes each, in the order
  /// of the specs; an Error if there are more or fewer than specs. Allocates nothing.
  void invoke(std::uint64_t rows, std::initializer_list<const void *> inputs,
              std::initializer_list<void *> outputs, std::size_t entry = 0) {
    if (inputs.size() != cornet_program_input_count(loaded, entry) ||
        outputs.size() != cornet_program_output_count(loaded, entry))
      throw Error(CORNET_INVALID_ARGUMENT, "invoke: the entry point does not exist or has another "
                                           "number of inputs or outputs");
    invoke(rows, inputs.begin(), outputs.begin(), entry);
  }
  /// The same for arrays, whose lengths are not checked.
  void invoke(std::uint64_t rows, const void *const *inputs, void *const *outputs,
              std::size_t entry = 0) {
    check(cornet_session_invoke(get(), entry, rows, inputs, outputs));
  }

  /// Runs the artifact's stored inputs; returns the largest absolute difference from the stored
  /// results, throws an Error if it is too large.
  double selfTest() {
    double largest = 0;
    check(cornet_session_self_test(get(), &largest));
    return largest;
  }

  /// The C handle, for what is not wrapped; null after a move.
  cornet_session *get() const noexcept { return owner.get(); }

private:
  struct Destroy {
    void operator()(cornet_session *session) const noexcept { cornet_session_destroy(session); }
  };
  const cornet_program *loaded;
  std::unique_ptr<cornet_session, Destroy> owner;
};

} // namespace cornet::rt
