// SPDX-License-Identifier: Apache-2.0
// Tables: quoting as Python's csv module writes it, types, labels, every way with missing values,
// and messages that name line and column.
#include "tests/frontend/data/Support.h"

#include <cmath>
#include <cornet/data.h>
#include <fstream>
#include <nlohmann/json.hpp>

#include "frontend/data/CsvParser.h"

using namespace datatest;
using testing::ElementsAre;
using testing::HasSubstr;

namespace {

class Csv : public Data {
protected:
  /// The message for a file of these bytes.
  std::string refusal(std::string_view bytes, CsvOptions options = {}) const {
    return message([&] { collect(make_csv_dataset(holding("t.csv", bytes), options)); });
  }
};

std::vector<float> floats(const Array &array) {
  Array converted = array.as(DType::F32);
  return {converted.data<float>().begin(), converted.data<float>().end()};
}

CsvOptions people() {
  return {
      .select_columns = {"city", "age", "income", "bought"},
      .label_name = "bought",
      .types = {{"city", CsvType::Category}, {"age", CsvType::Int}, {"bought", CsvType::Category}}};
}

TEST_F(Csv, UnderstandsWhatPythonWrites) {
  std::ifstream file(fixture("table.json"));
  auto expected = nlohmann::json::parse(file).get<std::vector<std::vector<std::string>>>();
  CsvParser parser(fixture("table.csv"), ',');
  std::vector<CsvField> fields;
  for (const std::vector<std::string> &row : expected) {
    ASSERT_TRUE(parser.next(fields));
    std::vector<std::string> texts;
    for (const CsvField &field : fields)
      texts.push_back(field.text);
    EXPECT_EQ(texts, row);
  }
  EXPECT_FALSE(parser.next(fields));
}

TEST_F(Csv, MissingValuesBecomeTheMean) {
  CsvOptions options = people();
  options.missing = CsvMissing::Mean;
  CsvDataset table = make_csv_dataset(fixture("table.csv"), options);
  EXPECT_EQ(table.dataset.cardinality(), 5);
  EXPECT_THAT(table.summary.column("city").vocabulary.tokens(),
              ElementsAre("[UNK]", "Paris", "Saint-Étienne, Loire", "Rome"));
  EXPECT_THAT(table.summary.column("bought").vocabulary.tokens(), ElementsAre("no", "yes"));
  EXPECT_EQ(table.summary.column("age").missing, 1);
  EXPECT_EQ(table.summary.column("age").mean, 41);
  Batch all = collect(table);
  float mean = float((1200.5 + 900 - 300 + 0) / 4);
  EXPECT_EQ(all.x[0].shape, (std::vector<int64_t>{5, 3}));
  EXPECT_THAT(floats(all.x[0]),
              ElementsAre(1, 31, 1200.5f, 3, 41, 900, 1, 45, mean, 2, 28, -300, 1, 60, 0));
  EXPECT_EQ(all.y[0], Array::of<int32_t>({5}, {1, 0, 1, 0, 1}));
  EXPECT_EQ(table.summary.text(),
            "5 rows\ncity: 4 categories\nage: whole numbers, 28 to 60, mean 41, 1 missing, filled "
            "with the mean\nincome: numbers, -300 to 1200.5, mean 450.125, 1 missing, filled with "
            "the mean\nbought: 2 categories");
}

TEST_F(Csv, MissingValuesAreFilledDroppedOrRefused) {
  CsvOptions options = people();
  options.missing = CsvMissing::Fill, options.fill_value = -1;
  EXPECT_THAT(floats(collect(make_csv_dataset(fixture("table.csv"), options)).x[0]),
              ElementsAre(1, 31, 1200.5f, 3, -1, 900, 1, 45, -1, 2, 28, -300, 1, 60, 0));
  options.missing = CsvMissing::Drop;
  CsvDataset dropped = make_csv_dataset(fixture("table.csv"), options);
  EXPECT_EQ(dropped.dataset.cardinality(), 3);
  EXPECT_EQ(dropped.summary.dropped, 2);
  EXPECT_EQ(collect(dropped).x[0].rows(), 3);
  EXPECT_THAT(dropped.summary.text(), HasSubstr("3 rows, 2 dropped"));
  EXPECT_THAT(dropped.summary.column("city").vocabulary.tokens(),
              ElementsAre("[UNK]", "Paris", "Saint-Étienne, Loire"));
  options.missing = CsvMissing::Refuse;
  EXPECT_THAT(message([&] { make_csv_dataset(fixture("table.csv"), options); }),
              HasSubstr("table.csv:3:1: the value of 'age' is missing; choose Fill"));
  CsvOptions label{.label_name = "y", .missing = CsvMissing::Mean};
  EXPECT_THAT(refusal("x,y\n1,2\n3,\n", label), HasSubstr("t.csv:3:3: the label 'y' is missing"));
}

TEST_F(Csv, ColumnsMayStayApartAndWeighSamples) {
  CsvOptions options{
      .label_name = "y", .weight_name = "w", .types = {{"n", CsvType::Int}}, .pack = false};
  Batch all =
      collect(make_csv_dataset(holding("t.csv", "w,x,y,n\n.5, 1.25 ,3,7\n2,+2.5,4,-8\n"), options));
  ASSERT_EQ(all.x.size(), 2u);
  EXPECT_EQ(all.x[0], Array::of<float>({2, 1}, {1.25, 2.5}));
  EXPECT_EQ(all.x[1], Array::of<int32_t>({2, 1}, {7, -8}));
  EXPECT_EQ(all.y[0], Array::of<float>({2}, {3, 4}));
  EXPECT_EQ(all.sample_weight, Array::of<float>({2}, {0.5, 2}));
}

TEST_F(Csv, FilesWithoutHeaderAndWithOtherDelimiters) {
  std::string path = holding("t.csv", "1;2\n\n3;4");
  CsvDataset table =
      make_csv_dataset(path, {.delimiter = ';', .header = false, .label_name = "column1"});
  EXPECT_EQ(collect(table).x[0], Array::of<float>({2, 1}, {1, 3}));
  EXPECT_EQ(collect(make_csv_dataset(path, {.delimiter = ';',
                                            .header = false,
                                            .column_names = {"a", "b"},
                                            .select_columns = {"b", "a"}}))
                .x[0],
            Array::of<float>({2, 2}, {2, 1, 4, 3}));
}

TEST_F(Csv, GivenVocabulariesAreUsed) {
  CsvOptions options{.types = {{"c", CsvType::Category}},
                     .vocabularies = {{"c", Vocabulary({"red", "green"}, {.oov = false})}}};
  EXPECT_EQ(collect(make_csv_dataset(holding("t.csv", "c\ngreen\nred\n"), options)).x[0],
            Array::of<float>({2, 1}, {1, 0}));
  EXPECT_EQ(refusal("c\ngreen\nblue\n", options),
            at("t.csv") + ":3:1: 'blue' is not in the vocabulary of 'c'");
  options.vocabularies["c"] = Vocabulary({"red", "green"});
  EXPECT_EQ(collect(make_csv_dataset(holding("t.csv", "c\ngreen\nblue\n"), options)).x[0],
            Array::of<float>({2, 1}, {2, 0}));
  options.vocabularies.clear();
  options.vocabulary.max_tokens = 2;
  EXPECT_EQ(collect(make_csv_dataset(holding("t.csv", "c\na\nb\nb\n"), options)).x[0],
            Array::of<float>({3, 1}, {0, 1, 1}));
}

TEST_F(Csv, NamesLineAndColumnOfWhatIsWrong) {
  std::string where = at("t.csv");
  EXPECT_EQ(refusal("a,b\n1,2\n3,x\n"),
            where + ":3:3: 'x' is not a number; name the column in types if it holds text");
  EXPECT_EQ(refusal("a,b\n1,2\n3\n"),
            where + ":3:1: the record has 1 fields, but the first one has 2");
  EXPECT_EQ(refusal("a,b\n1,\"2\n3,4\n"),
            where + ":2:3: the quote that begins here is never closed");
  EXPECT_THAT(refusal("a,b\n1,\"2\"3\n"), HasSubstr("t.csv:2:6: '3' follows a closing quote"));
  EXPECT_THAT(refusal("a,b\n1,2\"3\"\n"), HasSubstr("t.csv:2:4: a quote inside a field"));
  EXPECT_THAT(refusal("a,b\n\"1\n\",x\n", {.types = {{"a", CsvType::Category}}}),
              HasSubstr("t.csv:3:3: 'x' is not a number"));
  EXPECT_THAT(refusal("a\n1e99\n"), HasSubstr("t.csv:2:1: '1e99' is more than f32 can hold"));
  EXPECT_THAT(refusal("a\n1.5\n", {.types = {{"a", CsvType::Int}}}),
              HasSubstr("not a whole number"));
  EXPECT_THAT(refusal("a\n3e9\n", {.types = {{"a", CsvType::Int}}}), HasSubstr("i32 can hold"));
  EXPECT_THAT(refusal("a\ninf\n"), HasSubstr("'inf' is not a number"));
  EXPECT_THAT(refusal(""), HasSubstr("holds no records"));
  EXPECT_THAT(refusal("a,a\n1,2\n"), HasSubstr("two columns are named 'a'"));
  EXPECT_THAT(refusal("a,b\n1,2\n", {.label_name = "c"}),
              HasSubstr("label_name names 'c', which is not a column; the columns are a, b"));
  EXPECT_THAT(refusal("a\n1\n", {.label_name = "a"}), HasSubstr("no column is left for x"));
  EXPECT_THAT(refusal("a,b\n1,2\n", {.column_names = {"a"}}), HasSubstr("has 1 names"));
  EXPECT_THAT(refusal("a\nNA\n", {.missing = CsvMissing::Mean}),
              HasSubstr("no value to take the mean"));
  EXPECT_THAT(refusal("a\n\"" + std::string(size_t(17) << 20, 'x')),
              HasSubstr("longer than 16 MiB"));
  EXPECT_THAT(refusal(std::string(size_t(1) << 20, ',')), HasSubstr("too many fields"));
}

TEST_F(Csv, AnyBytesAreReadOrRefused) {
  std::string good = readFile(fixture("table.csv"));
  CsvOptions options = people();
  options.missing = CsvMissing::Drop;
  for (size_t i = 0; i < good.size(); ++i) {
    std::string changed = good;
    changed[i] = char(changed[i] ^ 0x15);
    refusal(changed, options);
    refusal(good.substr(0, i), options);
  }
  EXPECT_EQ(refusal(good, options), "(no error)");
}

} // namespace
