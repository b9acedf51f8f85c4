// SPDX-License-Identifier: Apache-2.0
//
// Cornet's runtime for C++17: the C interface with owners and exceptions. Header-only.
//
//     cornet::rt::Program program("model.cornet");
//     cornet::rt::Session session(program, 2);              // threads
//     session.invoke(0, rows, {image.data()}, {scores.data()});
//
// Every failed call throws cornet::rt::Error with the runtime's sentence.
#ifndef CORNET_RUNTIME_HPP
#define CORNET_RUNTIME_HPP

#include "cornet_runtime.h"

#include <initializer_list>
#include <memory>
#include <stdexcept>
#include <string>
#include <vector>

namespace cornet::rt {

class Error : public std::runtime_error {
public:
  Error(cornet_code code, const std::string &message) : std::runtime_error(message), code(code) {}
  cornet_code code;
};

/// Throws what `status` says, if anything, and frees it.
inline void check(cornet_status *status) {
  if (!status)
    return;
  Error error(cornet_status_code(status), cornet_status_message(status));
  cornet_status_destroy(status);
  throw error;
}

struct Port {
  std::string name;
  cornet_dtype dtype;
  std::vector<int64_t> shape; ///< -1 where the batch stands
};

/// A loaded artifact. Immutable; threads may share it. It must outlive its sessions.
class Program {
public:
  explicit Program(const std::string &path) {
    cornet_program *raw = nullptr;
    check(cornet_program_open(path.c_str(), &raw));
    handle.reset(raw);
  }

  const cornet_program *get() const { return handle.get(); }
  std::string model() const { return cornet_program_model(get()); }
  std::vector<Port> inputs(size_t entry = 0) const {
    return ports(cornet_program_input_count(get(), entry), cornet_program_input, entry);
  }
  std::vector<Port> outputs(size_t entry = 0) const {
    return ports(cornet_program_output_count(get(), entry), cornet_program_output, entry);
  }
  /// Checks the SHA-256 of every segment.
  void verify() const { check(cornet_program_verify(get())); }

private:
  using Describe = cornet_status *(*)(const cornet_program *, size_t, size_t, cornet_tensor_spec *);
  std::vector<Port> ports(size_t count, Describe describe, size_t entry) const {
    std::vector<Port> out;
    for (size_t i = 0; i < count; ++i) {
      cornet_tensor_spec spec;
      check(describe(get(), entry, i, &spec));
      out.push_back({spec.name, spec.dtype, {spec.shape, spec.shape + spec.rank}});
    }
    return out;
  }
  struct Destroy {
    void operator()(cornet_program *program) const { cornet_program_destroy(program); }
  };
  std::unique_ptr<cornet_program, Destroy> handle;
};

/// What one call at a time needs: memory and threads.
class Session {
public:
  explicit Session(const Program &program, unsigned threads = 1) {
    cornet_session_options options{sizeof(cornet_session_options), threads};
    cornet_session *raw = nullptr;
    check(cornet_session_create(program.get(), &options, &raw));
    handle.reset(raw);
  }

  cornet_session *get() const { return handle.get(); }
  /// Computes `rows` rows; pointers in the order of the program's inputs and outputs.
  void invoke(size_t entry, uint64_t rows, std::initializer_list<const void *> inputs,
              std::initializer_list<void *> outputs) {
    check(cornet_session_invoke(get(), entry, rows, inputs.begin(), outputs.begin()));
  }
  /// Runs the stored self-test; the largest difference.
  double selfTest() {
    double largest = 0;
    check(cornet_session_self_test(get(), &largest));
    return largest;
  }

private:
  struct Destroy {
    void operator()(cornet_session *session) const { cornet_session_destroy(session); }
  };
  std::unique_ptr<cornet_session, Destroy> handle;
};

} // namespace cornet::rt
#endif
