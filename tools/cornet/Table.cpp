// SPDX-License-Identifier: Apache-2.0
// Column widths are those of the widest cell; two blanks separate columns; no blanks end a line.
#include "Table.h"

#include <algorithm>
#include <fmt/format.h>

namespace cornet::cli {

std::string Table::text() const {
  std::vector<bool> right;
  std::vector<std::vector<std::string>> lines{headings};
  for (std::string &heading : lines[0]) {
    right.push_back(heading.starts_with('>'));
    heading.erase(0, right.back() ? 1 : 0);
  }
  lines.insert(lines.end(), rows.begin(), rows.end());
  std::vector<size_t> widths(headings.size());
  for (const auto &line : lines)
    for (size_t i = 0; i < std::min(line.size(), widths.size()); ++i)
      widths[i] = std::max(widths[i], line[i].size());
  std::string out;
  for (const auto &line : lines) {
    for (size_t i = 0; i < std::min(line.size(), widths.size()); ++i) {
      std::string gap = i == 0 ? "" : "  ";
      out += right[i] ? fmt::format("{}{:>{}}", gap, line[i], widths[i])
                      : fmt::format("{}{:<{}}", gap, line[i], widths[i]);
    }
    out.erase(out.find_last_not_of(' ') + 1);
    out += '\n';
  }
  return out;
}

std::string humanBytes(uint64_t bytes) {
  constexpr const char *units[] = {"KiB", "MiB", "GiB", "TiB"};
  if (bytes < 1024)
    return fmt::format("{} B", bytes);
  double value = double(bytes);
  int unit = -1;
  for (; value >= 1024 && unit < 3; ++unit)
    value /= 1024;
  return fmt::format("{:.{}f} {}", value, value < 100 ? 1 : 0, units[unit]);
}

std::string humanTime(double nanoseconds) {
  if (nanoseconds < 1e3)
    return fmt::format("{:.0f} ns", nanoseconds);
  if (nanoseconds < 1e6)
    return fmt::format("{:.2f} us", nanoseconds / 1e3);
  if (nanoseconds < 1e9)
    return fmt::format("{:.3f} ms", nanoseconds / 1e6);
  return fmt::format("{:.2f} s", nanoseconds / 1e9);
}

} // namespace cornet::cli
