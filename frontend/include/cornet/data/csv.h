// SPDX-License-Identifier: Apache-2.0
//
// Tables as comma-separated values (RFC 4180), streamed: numbers, texts that become category
// numbers, missing values.
//
//   CsvDataset table = make_csv_dataset("titanic.csv", {.label_name = "survived",
//                                                       .types = {{"sex", CsvType::Category}},
//                                                       .missing = CsvMissing::Mean});
//   std::puts(table.summary.text().c_str());    // what the columns hold, what was filled
//   Dataset train = table.dataset.shuffle(10000, 1).batch(32);
#pragma once

#include <cornet/data/dataset.h>
#include <cornet/data/vocabulary.h>

#include <map>
#include <string>
#include <vector>

namespace cornet::data {

enum class CsvType {
  Float,   ///< f32
  Int,     ///< i32; a number that is not whole or does not fit is an Error
  Category ///< text; becomes its index in a vocabulary, i32
};
enum class CsvMissing {
  Refuse, ///< an Error that names line and column
  Fill,   ///< fill_value; of a Category, the text fill_text
  Mean,   ///< the mean of the column's other values (rounded for Int); of a Category, fill_text
  Drop    ///< the whole row is left out
};

struct CsvOptions {
  char delimiter = ',';
  bool header = true;                        ///< the first record names the columns
  std::vector<std::string> column_names{};   ///< of a file without header; else column0, column1...
  std::vector<std::string> select_columns{}; ///< features and label to read, in this order; all
  std::string label_name{};                  ///< the column that becomes y; none: no y
  std::string weight_name{};                 ///< the column that becomes sample_weight
  std::map<std::string, CsvType> types{};    ///< of columns that are not Float
  /// Of Category columns; for those not given it is learned from the file.
  std::map<std::string, Vocabulary> vocabularies{};
  VocabularyOptions vocabulary{}; ///< how one is learned; a label never has an unknown
  CsvMissing missing = CsvMissing::Refuse;
  double fill_value = 0;
  std::string fill_text = "";
  std::vector<std::string> na_values{"", "NA", "N/A", "NaN", "nan", "null", "?"}; ///< unquoted
  /// One f32 array of all features (category numbers included); else an array of shape (1) per
  /// column, f32 or i32.
  bool pack = true;
};

/// What one pass over a file learned of a column.
struct CsvColumn {
  std::string name;
  CsvType type = CsvType::Float;
  int64_t missing = 0;                       ///< fields that were missing
  double mean = 0, minimum = 0, maximum = 0; ///< of the others; of numbers only
  Vocabulary vocabulary{};                   ///< of a Category
  std::string filled{};                      ///< what stands for missing values, in words
};
struct CsvSummary {
  int64_t rows = 0;    ///< that the dataset gives
  int64_t dropped = 0; ///< left out because of a missing value
  std::vector<CsvColumn> columns;
  const CsvColumn &column(const std::string &name) const; ///< throws when there is none
  std::string text() const; ///< a line per column, and what was done about missing values
};

struct CsvDataset {
  Dataset dataset;
  CsvSummary summary;
  operator Dataset() const { return dataset; }
};

/// Reads the file once to learn categories, means and the number of rows, and to find what is wrong
/// with it; then streams it. An element: x as `pack` says, y[0] of shape (): f32, or i32 of an Int
/// or a Category; sample_weight f32 (). The file may be gzipped.
CsvDataset make_csv_dataset(const std::string &path, CsvOptions options = {});

} // namespace cornet::data
