// SPDX-License-Identifier: Apache-2.0
//
// The golden training artifact, and what a caller does with it: batches, steps, metrics, the bytes
// of all variables.
#pragma once

#include "tests/runtime/Golden.h"

namespace cornet::golden {

/// Rows of 8 f32 cells and a class of 4; batches of 4 and 16 rows, dropout, Adam.
inline const std::string kTraining = kFolder + "train.cornet";

inline size_t entryNamed(const Program &program, const std::string &name) {
  size_t entry = 0;
  while (entry < cornet_program_entry_count(program.get()) &&
         cornet_program_entry_name(program.get(), entry) != name)
    ++entry;
  EXPECT_LT(entry, cornet_program_entry_count(program.get())) << name;
  return entry;
}

/// Rows and their classes: which of the first two cells are above a half.
struct Rows {
  explicit Rows(size_t rows, unsigned seed = 1) : classes(rows) {
    std::mt19937 random(seed);
    for (size_t i = 0; i < rows * 8; ++i)
      cells.push_back(float(random() >> 8) / float(1 << 24));
    for (size_t row = 0; row < rows; ++row)
      classes[row] = (cells[row * 8] > 0.5f) + 2 * (cells[row * 8 + 1] > 0.5f);
  }
  std::vector<const void *> inputs() const { return {cells.data(), classes.data()}; }
  std::vector<float> cells;
  std::vector<int32_t> classes;
};

inline cornet_status *trainStep(const Program &program, const Session &session, const Rows &rows) {
  return cornet_session_invoke(session.get(), entryNamed(program, "train_step"),
                               rows.classes.size(), rows.inputs().data(), nullptr);
}

/// `count` steps, of 16 rows and 4 in turns.
inline void train(const Program &program, const Session &session, int count, unsigned seed = 1) {
  for (int step = 0; step < count; ++step)
    expectOk(trainStep(program, session, Rows(step % 2 ? 4 : 16, seed + unsigned(step))));
}

/// Loss and accuracy since reset_metrics.
inline std::vector<float> readMetrics(const Program &program, const Session &session) {
  std::vector<float> values(2, -1);
  void *outputs[] = {&values[0], &values[1]};
  size_t entry = entryNamed(program, "read_metrics");
  EXPECT_EQ(cornet_program_output_count(program.get(), entry), 2u);
  expectOk(cornet_session_invoke(
      session.get(), entry, cornet_program_plan_batch(program.get(), entry, 0), nullptr, outputs));
  return values;
}

inline cornet_variable_spec variableAt(const Program &program, size_t index) {
  cornet_variable_spec spec{};
  expectOk(cornet_program_variable(program.get(), index, &spec));
  return spec;
}

/// The bytes of all variables, one after the other.
inline std::string variablesOf(const Program &program, const Session &session) {
  std::string out;
  for (size_t i = 0; i < cornet_program_variable_count(program.get()); ++i)
    out.append(static_cast<const char *>(cornet_session_variable(session.get(), i)),
               variableAt(program, i).bytes);
  return out;
}

} // namespace cornet::golden
