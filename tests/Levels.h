// SPDX-License-Identifier: Apache-2.0
//
// The ISA levels that tests compile for: those named in CORNET_TEST_LEVELS, with commas between, or
// the usual ones. So the same tests serve another kind of processor, beside tests/remote.
#pragma once

#include <cstdlib>
#include <sstream>
#include <string>
#include <vector>

namespace cornet::test {

inline std::vector<std::string> levels(std::vector<std::string> usual = {"x86-64-v3",
                                                                         "x86-64-v4"}) {
  const char *chosen = std::getenv("CORNET_TEST_LEVELS");
  if (!chosen)
    return usual;
  std::vector<std::string> out;
  std::istringstream text(chosen);
  for (std::string level; std::getline(text, level, ',');)
    out.push_back(level);
  return out;
}

} // namespace cornet::test
