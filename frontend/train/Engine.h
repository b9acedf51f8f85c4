// SPDX-License-Identifier: Apache-2.0
//
// A program that grows: entry points are compiled for the batch sizes that are asked for, and the
// variables' values move along when it is compiled anew.
#pragma once

#include "frontend/emit/Program.h"

#include <cornet_runtime.hpp>

#include <functional>
#include <map>
#include <memory>
#include <set>

namespace cornet {

class Engine {
public:
  /// Records the entry point of that name; called once for each.
  using Recorder = std::function<EntryPoint(const std::string &name)>;
  /// `resets`: entry points that give some variables their first values, as they are recorded.
  using Resets = std::function<std::vector<std::pair<std::string, std::vector<VariablePtr>>>()>;
  /// `first`: variables that keep their names when others, found later, have the same.
  Engine(std::string name, unsigned threads, Recorder recorder, Resets resets,
         const std::vector<VariablePtr> &first);

  /// Makes sure that entry point `name` can be called with `rows` rows. Throws std::runtime_error
  /// with the compiler's sentences.
  void need(const std::string &name, int64_t rows);
  /// need() for several at once, compiling once.
  void need(const std::vector<std::pair<std::string, int64_t>> &calls);
  void call(const std::string &name, int64_t rows, const void *const *inputs, void *const *outputs);

  const EntryPoint &entry(const std::string &name) { return recorded(name); }
  /// The next need() of `name` records it anew.
  void forget(const std::string &name) { entries.erase(name), wanted.erase(name); }
  /// The most bytes of arena that a plan of the entry point takes.
  uint64_t arena(const std::string &name) const;
  bool started() const { return session != nullptr; }
  /// The cells of a variable in the session; null where the program does not have it.
  /// `count`: how many 4-byte cells there are.
  void *cells(const Variable &variable, size_t *count = nullptr);
  cornet_session *handle() { return session->get(); }
  /// Compiles everything recorded so far, and the given entry points, for `batches`, to a file.
  void write(const std::string &path, const std::vector<std::string> &names,
             const std::vector<int64_t> &batches, const std::vector<std::string> &cpus,
             const std::function<void()> &beforehand);

private:
  EntryPoint &recorded(const std::string &name);
  void build();
  void giveName(const VariablePtr &variable);
  void *cellsNamed(const std::string &name, size_t *count);
  ProgramDescription describe(const std::set<std::string> &entryNames);

  std::string name;
  unsigned threads;
  Recorder recorder;
  Resets resets;
  std::map<std::string, EntryPoint> entries;
  std::map<std::string, std::set<int64_t>> wanted; ///< rows by entry point
  std::unique_ptr<rt::Program> program;
  std::unique_ptr<rt::Session> session;
  std::map<const Variable *, std::string> names; ///< in every program: all different
  std::set<std::string> taken;
  std::map<std::string, size_t> variables; ///< of the program, by name
  std::map<std::string, size_t> entryIndex;
};

} // namespace cornet
