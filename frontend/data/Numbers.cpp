// SPDX-License-Identifier: Apache-2.0
// Tables of numbers as text. Reading accepts commas, semicolons, tabs and blanks; writing gives the
// shortest text that reads back as the same float.
#include "frontend/data/Files.h"

#include <charconv>
#include <fmt/format.h>

namespace cornet::data {
namespace {

/// The numbers of one line; false when something in it is not a number.
bool parseLine(std::string_view line, std::vector<double> &numbers, std::string &culprit) {
  constexpr std::string_view separators = ",; \t\r";
  for (size_t at = line.find_first_not_of(separators); at != line.npos;) {
    size_t end = std::min(line.find_first_of(separators, at), line.size());
    std::string_view word = line.substr(at, end - at);
    double value = 0;
    auto [rest, error] =
        std::from_chars(word.data() + (word[0] == '+'), word.data() + word.size(), value);
    if (error != std::errc() || rest != word.data() + word.size()) {
      culprit = word;
      return false;
    }
    numbers.push_back(value);
    at = line.find_first_not_of(separators, end);
  }
  return true;
}

} // namespace

Array readCsv(const std::string &path) {
  std::string text = readFile(path), culprit;
  std::vector<double> all, row;
  int64_t rows = 0, columns = 0, number = 0;
  for (size_t at = 0; at < text.size(); ++number) {
    size_t end = std::min(text.find('\n', at), text.size());
    std::string_view line(text.data() + at, end - at);
    at = end + 1;
    row.clear();
    if (!parseLine(line, row, culprit)) {
      if (number == 0)
        continue; // the heading
      throw Error(fmt::format("{}:{}: '{}' is not a number", path, number + 1, culprit));
    }
    if (row.empty())
      continue;
    if (rows != 0 && int64_t(row.size()) != columns)
      throw Error(fmt::format("{}:{}: has {} numbers, but the rows above have {}", path, number + 1,
                              row.size(), columns));
    columns = int64_t(row.size());
    ++rows;
    all.insert(all.end(), row.begin(), row.end());
  }
  if (rows == 0)
    throw Error(fmt::format("{}: holds no numbers", path));
  Array array(DType::F32, {rows, columns});
  for (size_t i = 0; i < all.size(); ++i)
    array.set(int64_t(i), all[i]);
  return array;
}

std::string formatCsv(const Array &array) {
  int64_t rows = array.shape.empty() ? 1 : array.shape[0];
  int64_t columns = rows == 0 ? 0 : array.count() / rows;
  bool isDouble = array.type == DType::F64;
  std::string text;
  for (int64_t i = 0; i < rows * columns; ++i) {
    double value = array.at(i);
    text += isDouble ? fmt::format("{}", value) : fmt::format("{}", float(value));
    text += (i + 1) % columns == 0 ? '\n' : ',';
  }
  return text;
}

void writeCsv(const std::string &path, const Array &array) { writeFile(path, formatCsv(array)); }

} // namespace cornet::data
