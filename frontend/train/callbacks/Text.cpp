// SPDX-License-Identifier: Apache-2.0
//
// fmt's format language is Python's for all that file names need.
#include "frontend/train/callbacks/Text.h"

#include <charconv>
#include <cmath>
#include <cstdlib>
#include <fmt/format.h>
#include <iostream>
#include <stdexcept>

namespace cornet::train {

std::string pythonFloat(double value) {
  if (!std::isfinite(value))
    return std::isnan(value) ? "nan" : value < 0 ? "-inf" : "inf";
  char buffer[400];
  std::string scientific(
      buffer, std::to_chars(buffer, std::end(buffer), value, std::chars_format::scientific).ptr);
  int exponent = std::stoi(scientific.substr(scientific.find('e') + 1));
  if (exponent < -4 || exponent >= 16)
    return scientific;
  std::string fixed(buffer,
                    std::to_chars(buffer, std::end(buffer), value, std::chars_format::fixed).ptr);
  return fixed.find('.') == std::string::npos ? fixed + ".0" : fixed;
}

namespace {

template <class Value> std::string formatted(Value value, const std::string &format) {
  if constexpr (std::is_same_v<Value, double>) {
    if (format.empty())
      return pythonFloat(value);
    // Python fills "nan" up with zeros, too; fmt does not.
    if (!std::isfinite(value) && format[0] == '0')
      return fmt::format("{:0>{}}", pythonFloat(value), std::atoi(format.c_str()));
  }
  return fmt::format(fmt::runtime("{:" + format + "}"), value);
}

/// One {name:format} of a path.
std::string filled(const std::string &name, const std::string &format, int64_t epoch, int64_t batch,
                   const Logs &logs) {
  if (name == "epoch")
    return formatted(epoch, format);
  if (const double *value = logs.find(name))
    return formatted(*value, format);
  if (name == "batch" && batch >= 0)
    return formatted(batch, format);
  throw std::runtime_error("there is no '" + name + "' here; there are: epoch" +
                           (batch >= 0 ? ", batch" : "") + (logs.empty() ? "" : ", ") +
                           logs.names());
}

} // namespace

std::string fillPath(const std::string &owner, const std::string &path, int64_t epoch,
                     int64_t batch, const Logs &logs) {
  std::string out;
  for (size_t i = 0; i < path.size(); ++i) {
    bool brace = path[i] == '{' || path[i] == '}';
    if (!brace || (i + 1 < path.size() && path[i + 1] == path[i])) {
      out += path[i];
      i += brace;
      continue;
    }
    size_t end = path[i] == '{' ? path.find('}', i) : std::string::npos;
    try {
      if (end == std::string::npos)
        throw std::runtime_error("a '" + path.substr(i, 1) + "' has no partner; write " +
                                 std::string(2, path[i]) + " for the character itself");
      std::string field = path.substr(i + 1, end - i - 1);
      size_t colon = std::min(field.find(':'), field.size());
      std::string format = colon < field.size() ? field.substr(colon + 1) : "";
      out += filled(field.substr(0, colon), format, epoch, batch, logs);
    } catch (const std::runtime_error &problem) { // fmt::format_error is one
      throw std::runtime_error(owner + ": cannot fill in \"" + path + "\" at " +
                               path.substr(i, end == std::string::npos ? 1 : end - i + 1) + ": " +
                               problem.what());
    }
    i = end;
  }
  return out;
}

void tell(const std::string &line) { std::cout << line << '\n' << std::flush; }
void warn(const std::string &line) { std::cerr << "warning: " << line << '\n' << std::flush; }

} // namespace cornet::train
