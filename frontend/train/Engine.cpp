// SPDX-License-Identifier: Apache-2.0
#include "frontend/train/Engine.h"

#include "frontend/emit/Build.h"

#include <cstring>
#include <filesystem>
#include <stdexcept>
#include <thread>
#include <unistd.h>

namespace cornet {
namespace {

/// A file of this process that is gone when this is.
struct TemporaryFile {
  TemporaryFile() {
    std::string pattern = (std::filesystem::temp_directory_path() / "cornet-XXXXXX").string();
    int fd = mkstemp(pattern.data());
    if (fd < 0)
      throw std::runtime_error(pattern + ": cannot be created; set TMPDIR to a writable folder");
    close(fd);
    path = pattern;
  }
  ~TemporaryFile() { unlink(path.c_str()); }
  std::string path;
};

} // namespace

Engine::Engine(std::string name, unsigned threads, Recorder recorder, Resets resets,
               const std::vector<VariablePtr> &first)
    : name(std::move(name)), threads(threads ? threads : std::thread::hardware_concurrency()),
      recorder(std::move(recorder)), resets(std::move(resets)) {
  for (const VariablePtr &variable : first)
    giveName(variable);
}

/// Two models of a step, or two optimizers, may have variables of one name.
void Engine::giveName(const VariablePtr &variable) {
  if (!variable || names.contains(variable.get()))
    return;
  std::string name = variable->name;
  for (int i = 1; !taken.insert(name).second; ++i)
    name = variable->name + "_" + std::to_string(i);
  names[variable.get()] = name;
}

EntryPoint &Engine::recorded(const std::string &entry) {
  auto it = entries.find(entry);
  if (it == entries.end())
    it = entries.emplace(entry, recorder(entry)).first;
  return it->second;
}

void Engine::need(const std::string &entry, int64_t rows) { need({{entry, rows}}); }

void Engine::need(const std::vector<std::pair<std::string, int64_t>> &calls) {
  bool grows = false;
  for (const auto &[entry, rows] : calls)
    grows |= wanted[entry].insert(rows).second;
  if (grows)
    build();
}

ProgramDescription Engine::describe(const std::set<std::string> &entryNames) {
  ProgramDescription out{name, {}, true, {}, {}};
  for (const std::string &entry : entryNames)
    recorded(entry); // all of them before any is read: recording makes variables
  for (const std::string &entry : entryNames) {
    out.entries.push_back(entries.at(entry));
    const std::set<int64_t> &rows = wanted[entry];
    out.entries.back().batches.assign(rows.begin(), rows.end());
    const Graph &graph = *out.entries.back().graph;
    for (const Node &node : graph.nodes)
      giveName(node.variable);
    for (const auto &[variable, value] : graph.assigned)
      giveName(variable);
  }
  out.resets = resets(), out.names = names;
  return out;
}

void Engine::build() {
  std::set<std::string> names;
  for (const auto &[entry, rows] : wanted)
    names.insert(entry);
  TemporaryFile file;
  BuildOptions options;
  options.threads = std::max(threads, 1u);
  if (std::string problems = buildProgram(describe(names), options, file.path); !problems.empty())
    throw std::runtime_error(problems);
  auto next = std::make_unique<rt::Program>(file.path);
  auto nextSession = std::make_unique<rt::Session>(*next, threads);
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < cornet_program_variable_count(next->get()); ++i) {
    cornet_variable_spec spec;
    rt::check(cornet_program_variable(next->get(), i, &spec));
    places[spec.name] = i;
    size_t count = 0;
    if (void *old = session ? cellsNamed(spec.name, &count) : nullptr;
        old && count * 4 == spec.bytes)
      std::memcpy(cornet_session_variable(nextSession->get(), i), old, spec.bytes);
  }
  session = std::move(nextSession);
  program = std::move(next);
  variables = std::move(places);
  entryIndex.clear();
  for (size_t i = 0; i < program->entryCount(); ++i)
    entryIndex[program->entryName(i)] = i;
}

uint64_t Engine::arena(const std::string &entry) const {
  uint64_t most = 0;
  size_t index = entryIndex.at(entry);
  for (size_t plan = 0; plan < cornet_program_plan_count(program->get(), index); ++plan)
    most = std::max(most, cornet_program_plan_arena(program->get(), index, plan));
  return most;
}

void Engine::call(const std::string &entry, int64_t rows, const void *const *inputs,
                  void *const *outputs) {
  rt::check(
      cornet_session_invoke(session->get(), entryIndex.at(entry), uint64_t(rows), inputs, outputs));
}

void *Engine::cells(const Variable &variable, size_t *count) {
  auto it = names.find(&variable);
  return it == names.end() ? nullptr : cellsNamed(it->second, count);
}

void *Engine::cellsNamed(const std::string &variable, size_t *count) {
  auto it = session ? variables.find(variable) : variables.end();
  if (it == variables.end())
    return nullptr;
  cornet_variable_spec spec;
  rt::check(cornet_program_variable(program->get(), it->second, &spec));
  if (count)
    *count = spec.bytes / 4;
  return cornet_session_variable(session->get(), it->second);
}

void Engine::write(const std::string &path, const std::vector<std::string> &names,
                   const std::vector<int64_t> &batches, const std::vector<std::string> &cpus,
                   const std::function<void()> &beforehand) {
  std::set<std::string> all(names.begin(), names.end());
  ProgramDescription program = describe(all);
  // What takes no data is called with one row, as the resets are.
  for (EntryPoint &entry : program.entries)
    entry.batches = entry.inputs.empty() ? std::vector<int64_t>{1} : batches;
  beforehand();
  BuildOptions options;
  options.cpus = cpus;
  options.threads = std::max(threads, 1u);
  if (std::string problems = buildProgram(program, options, path); !problems.empty())
    throw std::runtime_error(problems);
}

} // namespace cornet
