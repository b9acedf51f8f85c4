// SPDX-License-Identifier: Apache-2.0
// Records of comma-separated values (RFC 4180), one after the other: quoted fields may hold
// delimiters, line ends and doubled quotes; lines may end in "\n" or "\r\n"; blank lines are
// skipped; a byte order mark at the beginning too.
#pragma once

#include "frontend/data/Stream.h"

#include <cstdint>
#include <string>
#include <vector>

namespace cornet::data {

struct CsvField {
  std::string text;
  bool quoted = false;
  int64_t line = 1, column = 1; ///< where it begins; columns are bytes
};

class CsvParser {
public:
  CsvParser(const std::string &path, char delimiter);
  /// The fields of the next record; false at the end. Throws naming line and column when a quote is
  /// out of place or a record longer than 16 MiB.
  bool next(std::vector<CsvField> &fields);
  /// "FILE:LINE:COLUMN: what"
  [[noreturn]] void fail(const CsvField &field, const std::string &what) const;

private:
  int get();
  /// Reads one field; true when the record goes on behind it.
  bool field(CsvField &to);
  void grow(CsvField &to, int byte);

  Stream stream;
  int delimiter;
  int64_t line = 1, column = 1;
  size_t size = 0; ///< bytes in the record
};

} // namespace cornet::data
