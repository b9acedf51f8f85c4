// SPDX-License-Identifier: Apache-2.0
// Plain text tables and human units. Columns of numbers are set to the right; nothing is coloured,
// so that output reads the same in a terminal, a file and a diff.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace cornet::cli {

class Table {
public:
  /// A heading that begins with '>' makes a right-aligned column.
  explicit Table(std::vector<std::string> headings) : headings(std::move(headings)) {}
  void add(std::vector<std::string> cells) { rows.push_back(std::move(cells)); }
  bool empty() const { return rows.empty(); }
  std::string text() const;

private:
  std::vector<std::string> headings;
  std::vector<std::vector<std::string>> rows;
};

std::string humanBytes(uint64_t bytes);    ///< "97.8 MiB"
std::string humanTime(double nanoseconds); ///< "12.3 us"

} // namespace cornet::cli
