// SPDX-License-Identifier: Apache-2.0
//
// Keras's CSVLogger, byte for byte: Python's "excel" dialect ends lines with CR LF and quotes only
// what needs it.
#include "frontend/train/callbacks/Text.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <fstream>
#include <stdexcept>

namespace cornet {
namespace {

class CSVLoggerCallback : public Callback {
public:
  explicit CSVLoggerCallback(CSVLoggerOptions options) : options(options) {
    if (options.filename.empty())
      throw std::invalid_argument("CSVLogger: filename is empty");
    if (options.separator.size() != 1)
      throw std::invalid_argument("CSVLogger: separator is '" + options.separator +
                                  "'; use one character");
  }

  bool wantsBatchLogs() const override { return false; }

  void on_train_begin(const Logs &) override {
    bool begun = options.append && std::ifstream(options.filename).peek() != EOF;
    file.close();
    file.clear();
    file.open(options.filename, options.append ? std::ios::app : std::ios::trunc);
    check();
    columns.clear();
    needsHeader = !begun;
  }

  void on_epoch_end(int epoch, Logs &logs) override {
    if (columns.empty())
      choose(logs);
    std::vector<std::string> row = {std::to_string(epoch)};
    for (size_t i = 1; i < columns.size(); ++i) {
      const double *value = logs.find(columns[i]);
      row.push_back(value ? train::pythonFloat(*value) : "NA");
    }
    write(row);
  }

  void on_train_end(const Logs &) override { file.close(); }

private:
  void choose(const Logs &logs) {
    std::vector<std::string> names;
    for (const auto &[name, value] : logs)
      names.push_back(name);
    std::sort(names.begin(), names.end());
    if (std::none_of(names.begin(), names.end(),
                     [](const std::string &name) { return name.starts_with("val_"); }))
      for (size_t i = 0, count = names.size(); i < count; ++i)
        names.push_back("val_" + names[i]);
    columns = {"epoch"};
    columns.insert(columns.end(), names.begin(), names.end());
    if (needsHeader)
      write(columns);
    needsHeader = false;
  }

  void write(const std::vector<std::string> &cells) {
    for (size_t i = 0; i < cells.size(); ++i)
      file << (i ? options.separator : "") << quoted(cells[i]);
    file << "\r\n" << std::flush;
    check();
  }

  std::string quoted(const std::string &cell) const {
    if (cell.find_first_of(options.separator + "\"\r\n") == std::string::npos)
      return cell;
    std::string out = "\"";
    for (char c : cell)
      out += c == '"' ? std::string("\"\"") : std::string(1, c);
    return out + '"';
  }

  void check() const {
    if (!file)
      throw std::runtime_error("CSVLogger: cannot write '" + options.filename +
                               "': " + std::strerror(errno));
  }

  CSVLoggerOptions options;
  std::ofstream file;
  std::vector<std::string> columns; ///< empty before the first epoch
  bool needsHeader = true;
};

} // namespace

CallbackPtr CSVLogger(CSVLoggerOptions options) {
  return std::make_shared<CSVLoggerCallback>(std::move(options));
}

} // namespace cornet
