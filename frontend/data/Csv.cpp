// SPDX-License-Identifier: Apache-2.0
// Tables. A first pass checks every field and learns what the options leave open; later passes make
// the elements. Both read rows through Table::row, so that they agree on what is missing and what
// is dropped.
#include "frontend/data/CsvParser.h"
#include "frontend/data/Pipeline.h"

#include <cornet/data/csv.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <set>

namespace cornet::data {
namespace {

enum class Role { Feature, Label, Weight };

struct Column {
  size_t place; ///< in the records
  Role role = Role::Feature;
};

std::string_view trimmed(std::string_view text) {
  size_t begin = text.find_first_not_of(" \t");
  return begin == text.npos ? "" : text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

/// How a file is read: options and what the first pass has learned.
struct Table {
  std::string path;
  CsvOptions options;
  size_t width = 0; ///< fields of a record
  std::vector<Column> columns;
  CsvSummary summary; ///< its columns are those of `columns`

  void open();
  bool missing(const CsvField &field, CsvType type) const;
  double number(const CsvParser &parser, const CsvField &field, CsvType type) const;
  bool row(CsvParser &parser, std::vector<CsvField> &fields, std::vector<bool> &absent) const;
  /// Whether a row with these missing columns is left out.
  bool drops(const std::vector<bool> &absent) const {
    return options.missing == CsvMissing::Drop &&
           std::find(absent.begin(), absent.end(), true) != absent.end();
  }
  void learn();
  double value(const CsvParser &parser, const CsvField &field, size_t column, bool absent) const;
  void emit(const CsvParser &parser, const std::vector<CsvField> &fields,
            const std::vector<bool> &absent, Example &example) const;
};

/// Finds the columns by the first record, and checks that the options name only such.
void Table::open() {
  CsvParser parser(path, options.delimiter);
  std::vector<CsvField> first;
  if (!parser.next(first))
    throw Error(fmt::format("{}: holds no records", path));
  width = first.size();
  std::vector<std::string> names = options.column_names;
  if (options.header && names.empty())
    for (const CsvField &field : first)
      names.emplace_back(field.quoted ? field.text : trimmed(field.text));
  for (size_t i = names.size(); !options.header && options.column_names.empty() && i < width; ++i)
    names.push_back(fmt::format("column{}", i));
  if (names.size() != width)
    throw Error(fmt::format("{}: column_names has {} names, but the first record {} fields", path,
                            names.size(), width));
  std::map<std::string, size_t> places;
  for (size_t i = 0; i < width; ++i)
    if (!places.emplace(names[i], i).second)
      throw Error(fmt::format("{}: two columns are named '{}'; give column_names", path, names[i]));
  auto demand = [&](const std::string &name, const char *option) {
    if (!places.contains(name))
      throw Error(fmt::format("{}: {} names '{}', which is not a column; the columns are {}", path,
                              option, name, fmt::join(names, ", ")));
    return places[name];
  };
  for (const auto &[name, type] : options.types)
    demand(name, "types");
  for (const auto &[name, vocabulary] : options.vocabularies)
    demand(name, "vocabularies");
  auto add = [&](const std::string &name, const char *option, Role role) {
    columns.push_back({demand(name, option), role});
    CsvColumn column{.name = name};
    if (auto found = options.types.find(name); found != options.types.end())
      column.type = found->second;
    if (role == Role::Weight && column.type != CsvType::Float)
      throw Error(fmt::format("{}: column '{}' gives weights and must be Float", path, name));
    if (auto found = options.vocabularies.find(name); found != options.vocabularies.end())
      column.vocabulary = found->second;
    summary.columns.push_back(std::move(column));
  };
  if (!options.label_name.empty() && options.label_name == options.weight_name)
    throw Error(
        fmt::format("{}: '{}' is both label_name and weight_name", path, options.label_name));
  for (const std::string &name : options.select_columns.empty() ? names : options.select_columns)
    if (name != options.label_name && name != options.weight_name)
      add(name, "select_columns", Role::Feature);
  if (columns.empty())
    throw Error(fmt::format("{}: no column is left for x", path));
  if (!options.label_name.empty())
    add(options.label_name, "label_name", Role::Label);
  if (!options.weight_name.empty())
    add(options.weight_name, "weight_name", Role::Weight);
}

bool Table::missing(const CsvField &field, CsvType type) const {
  if (field.quoted && type == CsvType::Category)
    return false;
  const auto &names = options.na_values;
  return std::find(names.begin(), names.end(), trimmed(field.text)) != names.end();
}

double Table::number(const CsvParser &parser, const CsvField &field, CsvType type) const {
  std::string_view text = trimmed(field.text);
  text.remove_prefix(text.starts_with('+'));
  double value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  bool read = !text.empty() && error == std::errc() && end == text.data() + text.size();
  if (!read || !std::isfinite(value))
    parser.fail(field,
                fmt::format("'{}' is not a number; name the column in types if it holds text",
                            field.text.substr(0, 100)));
  if (!std::isfinite(float(value)))
    parser.fail(field, fmt::format("'{}' is more than f32 can hold", field.text.substr(0, 100)));
  if (type == CsvType::Int && (value != std::rint(value) || std::fabs(value) > 0x7fffffff))
    parser.fail(field, fmt::format("'{}' is not a whole number that i32 can hold", field.text));
  return value;
}

/// The next row, and which of its columns are missing; false at the end.
bool Table::row(CsvParser &parser, std::vector<CsvField> &fields, std::vector<bool> &absent) const {
  absent.resize(columns.size());
  if (parser.next(fields)) {
    if (fields.size() != width)
      parser.fail(fields[0], fmt::format("the record has {} fields, but the first one has {}",
                                         fields.size(), width));
    for (size_t i = 0; i < columns.size(); ++i) {
      absent[i] = missing(fields[columns[i].place], summary.columns[i].type);
      bool strict = options.missing == CsvMissing::Refuse ||
                    (options.missing != CsvMissing::Drop && columns[i].role != Role::Feature);
      if (absent[i] && strict)
        parser.fail(fields[columns[i].place],
                    fmt::format("{} '{}' is missing; {}",
                                columns[i].role == Role::Label ? "the label" : "the value of",
                                summary.columns[i].name,
                                columns[i].role == Role::Feature
                                    ? "choose Fill, Mean or Drop in CsvOptions::missing"
                                    : "only Drop in CsvOptions::missing leaves such rows out"));
    }
    return true;
  }
  return false;
}

void Table::learn() {
  CsvParser parser(path, options.delimiter);
  std::vector<CsvField> fields;
  std::vector<bool> absent;
  std::vector<TokenCounter> counters(columns.size());
  std::vector<std::set<std::string>> labels(columns.size());
  std::vector<int64_t> present(columns.size());
  if (options.header)
    parser.next(fields);
  while (row(parser, fields, absent)) {
    bool dropped = drops(absent);
    for (size_t i = 0; i < columns.size(); ++i) {
      CsvColumn &column = summary.columns[i];
      const CsvField &field = fields[columns[i].place];
      column.missing += absent[i];
      if (column.type == CsvType::Category && !dropped) {
        const std::string &token = absent[i] ? options.fill_text : field.text;
        if (options.vocabularies.contains(column.name))
          value(parser, field, i, absent[i]); // throws when it is not there
        else if (columns[i].role == Role::Label)
          labels[i].insert(token);
        else
          counters[i].add(token);
      }
      if (column.type == CsvType::Category || absent[i])
        continue;
      double value = number(parser, field, column.type);
      if (dropped)
        continue;
      column.minimum = present[i] == 0 ? value : std::min(column.minimum, value);
      column.maximum = present[i] == 0 ? value : std::max(column.maximum, value);
      column.mean += (value - column.mean) / double(++present[i]);
    }
    ++(dropped ? summary.dropped : summary.rows);
  }
  for (size_t i = 0; i < columns.size(); ++i) {
    CsvColumn &column = summary.columns[i];
    if (column.type == CsvType::Category && !options.vocabularies.contains(column.name)) {
      std::vector<std::string> sorted(labels[i].begin(), labels[i].end());
      column.vocabulary = columns[i].role == Role::Label
                              ? Vocabulary(std::move(sorted), {.oov = false})
                              : counters[i].vocabulary(options.vocabulary);
    }
    if (options.missing == CsvMissing::Mean && column.type != CsvType::Category &&
        column.missing > 0 && present[i] == 0)
      throw Error(
          fmt::format("{}: column '{}' has no value to take the mean of", path, column.name));
  }
}

double Table::value(const CsvParser &parser, const CsvField &field, size_t index,
                    bool absent) const {
  const CsvColumn &column = summary.columns[index];
  if (column.type == CsvType::Category) {
    const std::string &token = absent ? options.fill_text : field.text;
    int64_t number = column.vocabulary.index(token);
    if (number < 0)
      parser.fail(field, fmt::format("'{}' is not in the vocabulary of '{}'", token.substr(0, 100),
                                     column.name));
    return double(number);
  }
  if (!absent)
    return number(parser, field, column.type);
  double filled = options.missing == CsvMissing::Mean ? column.mean : options.fill_value;
  return column.type == CsvType::Int ? std::rint(filled) : filled;
}

void Table::emit(const CsvParser &parser, const std::vector<CsvField> &fields,
                 const std::vector<bool> &absent, Example &example) const {
  size_t features = 0;
  while (features < columns.size() && columns[features].role == Role::Feature)
    ++features;
  auto typeOfColumn = [&](size_t i) {
    return summary.columns[i].type == CsvType::Float ? DType::F32 : DType::I32;
  };
  example = {};
  if (options.pack)
    example.x.emplace_back(DType::F32, std::vector<int64_t>{int64_t(features)});
  for (size_t i = 0; i < columns.size(); ++i) {
    double number = value(parser, fields[columns[i].place], i, absent[i]);
    if (columns[i].role == Role::Feature && options.pack) {
      example.x[0].set(int64_t(i), number);
      continue;
    }
    Array array(typeOfColumn(i), columns[i].role == Role::Feature ? std::vector<int64_t>{1}
                                                                  : std::vector<int64_t>{});
    array.set(0, number);
    if (columns[i].role == Role::Weight)
      example.sample_weight = std::move(array);
    else
      (columns[i].role == Role::Label ? example.y : example.x).push_back(std::move(array));
  }
}

} // namespace

const CsvColumn &CsvSummary::column(const std::string &name) const {
  for (const CsvColumn &column : columns)
    if (column.name == name)
      return column;
  throw Error(fmt::format("the table has no column '{}'", name));
}

std::string CsvSummary::text() const {
  std::string text = fmt::format("{} rows", rows);
  if (dropped > 0)
    text += fmt::format(", {} dropped for missing values", dropped);
  for (const CsvColumn &column : columns) {
    text += fmt::format("\n{}: ", column.name);
    if (column.type == CsvType::Category)
      text += fmt::format("{} categories", column.vocabulary.size());
    else
      text += fmt::format("{}, {} to {}, mean {:.6g}",
                          column.type == CsvType::Int ? "whole numbers" : "numbers", column.minimum,
                          column.maximum, column.mean);
    if (column.missing > 0)
      text += fmt::format(", {} missing", column.missing);
    if (column.missing > 0 && !column.filled.empty())
      text += fmt::format(", filled with {}", column.filled);
  }
  return text;
}

CsvDataset make_csv_dataset(const std::string &path, CsvOptions options) {
  auto table = std::make_shared<Table>();
  table->path = path, table->options = std::move(options);
  table->open();
  table->learn();
  const CsvOptions &given = table->options;
  if (given.missing == CsvMissing::Fill || given.missing == CsvMissing::Mean)
    for (CsvColumn &column : table->summary.columns)
      column.filled = column.type == CsvType::Category    ? fmt::format("'{}'", given.fill_text)
                      : given.missing == CsvMissing::Mean ? "the mean"
                                                          : fmt::format("{}", given.fill_value);
  struct Walk {
    Walk(std::shared_ptr<const Table> table)
        : table(std::move(table)), parser(this->table->path, this->table->options.delimiter) {
      if (this->table->options.header)
        parser.next(fields);
    }
    std::shared_ptr<const Table> table;
    CsvParser parser;
    std::vector<CsvField> fields{};
    std::vector<bool> absent{};
  };
  Dataset dataset = streamedDataset(
      [table]() -> std::function<bool(Example &)> {
        auto walk = std::make_shared<Walk>(table);
        return [walk](Example &example) {
          do {
            if (!walk->table->row(walk->parser, walk->fields, walk->absent))
              return false;
          } while (walk->table->drops(walk->absent));
          walk->table->emit(walk->parser, walk->fields, walk->absent, example);
          return true;
        };
      },
      table->summary.rows);
  return {dataset, table->summary};
}

} // namespace cornet::data
