// SPDX-License-Identifier: Apache-2.0
// Matches files with inputs by name, reads each by its ending, and makes shape and type fit or says
// in which dimension they do not.
#include "Feed.h"
#include "Errors.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <fmt/format.h>
#include <fmt/ranges.h>
#include <map>
#include <random>

namespace cornet::cli {
namespace {

int64_t product(const std::vector<int64_t> &shape, size_t from) {
  int64_t total = 1;
  for (size_t i = from; i < shape.size(); ++i)
    total *= shape[i];
  return total;
}

Array readPicture(const std::string &path, const Port &port, const FeedOptions &options) {
  bool usable = port.shape.size() == 4 && (port.shape[3] == 1 || port.shape[3] == 3);
  if (!usable)
    throw UserError(fmt::format("{}: a picture does not fit input {}", path, portText(port)));
  Array image = withChannels(readImage(path), port.shape[3]);
  if (options.resize)
    image = resizeImage(image, port.shape[1], port.shape[2]);
  if (image.shape[0] != port.shape[1] || image.shape[1] != port.shape[2])
    throw UserError(
        fmt::format("{}: the picture is {} high and {} wide, input {}; add --resize to scale it",
                    path, image.shape[0], image.shape[1], portText(port)));
  bool real = isFloat(port.type);
  Array result(real ? DType::F32 : DType::U8, {1, image.shape[0], image.shape[1], image.shape[2]});
  double scale = 1, offset = 0;
  if (real && options.pixels == "0..1")
    scale = 1.0 / 255;
  else if (real && options.pixels == "-1..1")
    scale = 1.0 / 127.5, offset = -1;
  for (int64_t i = 0, end = image.count(); i < end; ++i)
    result.set(i, image.at(i) * scale + offset);
  return result;
}

Array readRaw(const std::string &path, const Port &port) {
  std::string bytes = readFile(path);
  int64_t row = product(port.shape, port.batched()) * int64_t(sizeOf(port.type));
  if (row == 0 || bytes.empty() || int64_t(bytes.size()) % row != 0)
    throw UserError(
        fmt::format("{}: {} bytes are not a whole number of rows of {} bytes for input {}", path,
                    bytes.size(), row, portText(port)));
  std::vector<int64_t> shape = port.shape;
  if (port.batched())
    shape[0] = int64_t(bytes.size()) / row;
  else if (int64_t(bytes.size()) != row)
    throw UserError(fmt::format("{}: holds {} bytes, input {} takes {}", path, bytes.size(),
                                portText(port), row));
  Array array(port.type, shape);
  std::memcpy(array.bytes.data(), bytes.data(), bytes.size());
  return array;
}

bool isPicture(const std::string &path) {
  std::string extension = extensionOf(path);
  return extension == ".png" || extension == ".jpg" || extension == ".jpeg";
}

Array readOne(const std::string &path, const Port &port, const FeedOptions &options) {
  std::string extension = extensionOf(path);
  if (extension == ".npy")
    return fit(readNpy(path), port, path);
  if (extension == ".csv" || extension == ".txt" || extension == ".tsv")
    return fit(readCsv(path), port, path);
  if (isPicture(path))
    return fit(readPicture(path, port, options), port, path);
  if (extension == ".raw" || extension == ".bin")
    return readRaw(path, port);
  throw UserError(fmt::format("{}: the ending '{}' is not a known kind of data; known are .npy "
                              ".npz .csv .txt .tsv .png .jpg "
                              ".jpeg .raw .bin",
                              path, extension));
}

using Parts = std::map<std::string, std::vector<Array>>;

const Port *portNamed(const std::vector<Port> &ports, std::string_view name) {
  auto found =
      std::find_if(ports.begin(), ports.end(), [&](const Port &port) { return port.name == name; });
  return found == ports.end() ? nullptr : &*found;
}

void addArchive(const std::string &path, const std::vector<Port> &ports, Parts &parts) {
  NamedArrays arrays = readNpz(path);
  for (auto &[name, array] : arrays) {
    // An archive of one array needs no name when there is one input.
    const Port *port = ports.size() == 1 && arrays.size() == 1 ? &ports[0] : portNamed(ports, name);
    if (port)
      parts[port->name].push_back(fit(std::move(array), *port, fmt::format("{}: {}", path, name)));
  }
}

void addFile(const std::string &argument, const std::vector<Port> &ports,
             const FeedOptions &options, Parts &parts) {
  size_t equals = argument.find('=');
  const Port *port =
      equals == argument.npos ? nullptr : portNamed(ports, argument.substr(0, equals));
  std::string path = port ? argument.substr(equals + 1) : argument;
  if (!port && extensionOf(path) == ".npz")
    return addArchive(path, ports, parts);
  if (!port && ports.size() != 1)
    throw UserError(fmt::format("{}: the model has {} inputs; write NAME=FILE for each, or give "
                                "one .npz. The inputs are: {}",
                                argument, ports.size(), [&] {
                                  std::string text;
                                  for (const Port &each : ports)
                                    text += (text.empty() ? "" : ", ") + portText(each);
                                  return text;
                                }()));
  if (!port)
    port = &ports[0];
  parts[port->name].push_back(readOne(path, *port, options));
}

} // namespace

std::string portText(const Port &port) {
  std::vector<std::string> dimensions;
  for (int64_t dimension : port.shape)
    dimensions.push_back(dimension < 0 ? "rows" : fmt::to_string(dimension));
  return fmt::format("{}: {} ({})", port.name, nameOf(port.type), fmt::join(dimensions, ", "));
}

Array fit(Array array, const Port &port, const std::string &where) {
  auto refuse = [&](const std::string &why) {
    throw UserError(fmt::format("{}: {} of shape {} does not fit input {}{}", where,
                                nameOf(array.type), shapeText(array.shape), portText(port), why));
  };
  size_t rowsFrom = port.batched();
  int64_t row = product(port.shape, rowsFrom), count = array.count();
  std::vector<int64_t> tail(port.shape.begin() + long(rowsFrom), port.shape.end());
  std::vector<int64_t> shape = port.shape;
  if (array.shape == tail && port.batched())
    shape[0] = 1; // a single row
  else if (port.batched() && !array.shape.empty() && array.shape[0] * row == count && count != 0)
    shape[0] = array.shape[0]; // rows, perhaps flat
  else if (array.shape != port.shape)
    refuse("");
  if (array.shape.size() == shape.size() && array.shape != shape)
    refuse(": the dimensions differ");
  array.shape = shape;
  Array converted = array.as(port.type);
  if (!isFloat(port.type) && array.type != port.type)
    for (int64_t i = 0; i < count; ++i)
      if (converted.at(i) != array.at(i))
        refuse(fmt::format(": {} is not a whole number in the range of {}", array.at(i),
                           nameOf(port.type)));
  return converted;
}

std::vector<Array> feed(const std::vector<Port> &ports, const std::vector<std::string> &files,
                        const FeedOptions &options) {
  Parts parts;
  for (const std::string &file : files)
    addFile(file, ports, options, parts);
  std::vector<Array> inputs;
  for (const Port &port : ports) {
    if (parts[port.name].empty())
      throw UserError(fmt::format("no data for input {}; give {}=FILE", portText(port), port.name));
    std::vector<Array> &given = parts[port.name];
    inputs.push_back(given.size() == 1 ? std::move(given[0]) : concatenate(given));
    if (port.batched() && inputs.back().shape[0] != inputs[0].shape[0])
      throw UserError(
          fmt::format("input '{}' has {} rows, but '{}' has {}; all inputs need as many", port.name,
                      inputs.back().shape[0], ports[0].name, inputs[0].shape[0]));
  }
  return inputs;
}

std::vector<Array> sampleInputs(const std::vector<Port> &ports, int64_t rows) {
  std::mt19937 generator(2026);
  std::vector<Array> inputs;
  for (const Port &port : ports) {
    std::vector<int64_t> shape = port.shape;
    if (port.batched())
      shape[0] = rows;
    Array array(port.type, shape);
    for (int64_t i = 0, end = array.count(); i < end; ++i)
      array.set(i, isFloat(port.type) ? double(generator() >> 8) / double(1 << 24)
                                      : double(generator() >> 31));
    inputs.push_back(std::move(array));
  }
  return inputs;
}

} // namespace cornet::cli
