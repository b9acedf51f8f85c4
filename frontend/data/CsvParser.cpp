// SPDX-License-Identifier: Apache-2.0
// A field at a time, byte by byte; a quote out of place is refused rather than guessed at.
#include "frontend/data/CsvParser.h"

#include <cornet/data/array.h>

#include <fmt/format.h>

namespace cornet::data {

CsvParser::CsvParser(const std::string &path, char delimiter)
    : stream(path), delimiter(static_cast<unsigned char>(delimiter)) {
  if (delimiter == '"' || delimiter == '\n' || delimiter == '\r')
    throw Error(fmt::format("{}: a quote or a line end cannot be the delimiter", path));
  if (stream.peek() == 0xEF) { // the byte order mark, or the beginning of a letter
    char mark[3];
    size_t got = stream.read(mark, 3);
    if (std::string_view(mark, got) != "\xEF\xBB\xBF")
      fail({}, "begins with a byte that is neither text nor a byte order mark");
  }
}

void CsvParser::fail(const CsvField &field, const std::string &what) const {
  throw Error(fmt::format("{}:{}:{}: {}", stream.name(), field.line, field.column, what));
}

int CsvParser::get() {
  int byte = stream.get();
  if (byte == '\r' && stream.peek() == '\n')
    byte = stream.get();
  if (byte == '\n')
    ++line, column = 1;
  else if (byte >= 0)
    ++column;
  return byte;
}

void CsvParser::grow(CsvField &to, int byte) {
  if (++size > size_t(1) << 24)
    fail(to, "the record is longer than 16 MiB; is a closing quote missing?");
  to.text += char(byte);
}

bool CsvParser::field(CsvField &to) {
  to.text.clear();
  to.line = line, to.column = column;
  int byte = get();
  if ((to.quoted = byte == '"')) {
    while (true) {
      byte = get();
      if (byte < 0)
        fail(to, "the quote that begins here is never closed");
      if (byte == '"' && stream.peek() != '"')
        break;
      if (byte == '"')
        get();
      grow(to, byte);
    }
    byte = get();
    if (byte >= 0 && byte != '\n' && byte != delimiter)
      fail({{}, false, line, column - 1},
           fmt::format("'{}' follows a closing quote; a quote inside quotes is written twice",
                       char(byte)));
    return byte == delimiter;
  }
  for (; byte >= 0 && byte != '\n' && byte != delimiter; byte = get()) {
    if (byte == '"')
      fail({{}, false, line, column - 1},
           "a quote inside a field that does not begin with one; put the field in quotes");
    grow(to, byte);
  }
  return byte == delimiter;
}

bool CsvParser::next(std::vector<CsvField> &fields) {
  size = 0;
  while (stream.peek() == '\n' || stream.peek() == '\r')
    get();
  if (stream.peek() < 0)
    return false;
  size_t count = 0;
  bool more = true;
  while (more) {
    if (count == fields.size())
      fields.emplace_back(); // memory of earlier records is used again
    size += sizeof(CsvField);
    more = field(fields[count++]);
    if (size > size_t(1) << 24)
      fail(fields[count - 1], "the record has too many fields");
  }
  fields.resize(count);
  return true;
}

} // namespace cornet::data
