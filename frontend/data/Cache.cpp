// SPDX-License-Identifier: Apache-2.0
// Caches of a pass. In memory: the elements of the first pass that comes to its end. In a file: its
// records, written beside the file and renamed when the pass is complete, and streamed from it.
//
//   file    "CRNTDATA" u32 version, records, end
//   record  u64 length, payload, u32 CRC-32 of the payload
//   payload u32 |x|, u32 |y|, u32 weights, arrays: u32 type, u32 rank, i64 extents, cells
//   end     u64 ~0, u64 number of records, u32 CRC-32 of that number
//
// Numbers are little-endian. Both caches begin the stages before them as pass 0: what is kept must
// not depend on which pass came to its end.
#include "frontend/data/Files.h"
#include "frontend/data/Pipeline.h"

#include <cerrno>
#include <filesystem>
#include <fmt/format.h>
#include <fstream>
#include <mutex>
#include <unistd.h>
#include <zlib.h>

namespace cornet::data {

using namespace detail;

namespace {

class MemoryCache : public Stage {
public:
  using Stage::Stage;

  std::unique_ptr<Iterator> start(uint64_t) const override {
    struct Walk : Iterator {
      const MemoryCache *cache;
      std::shared_ptr<const std::vector<Example>> kept;
      size_t at = 0;
      std::unique_ptr<Iterator> inner;
      std::vector<Example> seen;
      bool next(Example &example) override {
        if (kept) {
          if (at == kept->size())
            return false;
          example = (*kept)[at++];
          return true;
        }
        if (!inner->next(example)) {
          cache->keep(std::move(seen));
          return false;
        }
        seen.push_back(example);
        return true;
      }
    };
    auto walk = std::make_unique<Walk>();
    walk->cache = this;
    std::lock_guard lock(mutex);
    walk->kept = elements;
    if (!elements)
      walk->inner = before->start(0);
    return walk;
  }
  std::optional<int64_t> cardinality() const override {
    std::lock_guard lock(mutex);
    return elements ? std::optional(int64_t(elements->size())) : before->cardinality();
  }
  bool reshuffles() const override { return false; }

private:
  void keep(std::vector<Example> seen) const {
    auto all = std::make_shared<const std::vector<Example>>(std::move(seen));
    std::lock_guard lock(mutex);
    if (!elements)
      elements = std::move(all);
  }
  mutable std::mutex mutex;
  mutable std::shared_ptr<const std::vector<Example>> elements;
};

constexpr std::string_view magic = "CRNTDATA";
constexpr uint32_t version = 1;
constexpr uint64_t endMark = ~uint64_t(0);

template <typename T> void put(std::string &to, T value) {
  to.append(reinterpret_cast<const char *>(&value), sizeof(value));
}

uint32_t checksum(std::string_view bytes) {
  return uint32_t(crc32_z(0, reinterpret_cast<const Bytef *>(bytes.data()), bytes.size()));
}

void putArray(std::string &to, const Array &array) {
  put(to, uint32_t(array.type));
  put(to, uint32_t(array.shape.size()));
  for (int64_t extent : array.shape)
    put(to, extent);
  to.append(reinterpret_cast<const char *>(array.bytes.data()), array.bytes.size());
}

/// Takes a payload apart; `damaged` is called, and throws, when it is not one.
class Payload {
public:
  Payload(std::string_view bytes, const std::function<void()> &damaged)
      : bytes(bytes), damaged(damaged) {}

  Example example() {
    auto x = number<uint32_t>(), y = number<uint32_t>(), weights = number<uint32_t>();
    Example result;
    for (uint32_t i = 0; i < x; ++i)
      result.x.push_back(array());
    for (uint32_t i = 0; i < y; ++i)
      result.y.push_back(array());
    if (weights != 0)
      result.sample_weight = array();
    if (!bytes.empty())
      damaged();
    return result;
  }

private:
  std::string_view take(size_t size) {
    if (bytes.size() < size)
      damaged();
    std::string_view taken = bytes.substr(0, size);
    bytes.remove_prefix(size);
    return taken;
  }
  template <typename T> T number() {
    T value;
    std::memcpy(&value, take(sizeof(T)).data(), sizeof(T));
    return value;
  }
  Array array() {
    auto type = number<uint32_t>(), rank = number<uint32_t>();
    if (type > uint32_t(DType::U64) || rank > 64)
      damaged();
    std::vector<int64_t> shape;
    for (uint32_t i = 0; i < rank; ++i)
      shape.push_back(number<int64_t>());
    int64_t size = -1;
    try {
      size = byteCount(DType(type), shape);
    } catch (const Error &) {
    }
    if (size < 0 || uint64_t(size) > bytes.size())
      damaged();
    Array result(DType(type), shape);
    std::string_view cells = take(size_t(size));
    if (size > 0)
      std::memcpy(result.bytes.data(), cells.data(), cells.size());
    return result;
  }

  std::string_view bytes;
  const std::function<void()> &damaged;
};

class CacheReader : public Iterator {
public:
  explicit CacheReader(std::string path) : path(std::move(path)) {
    std::error_code error;
    size = std::filesystem::file_size(this->path, error);
    file.open(this->path, std::ios::binary);
    if (error || !file)
      throw Error(fmt::format("{}: cannot be read: {}", this->path, std::strerror(errno)));
    if (size < magic.size() + 4 || get(magic.size()) != magic)
      throw Error(fmt::format("{}: is not a cache of a dataset", this->path));
    if (auto found = number<uint32_t>(); found != version)
      throw Error(fmt::format("{}: is a cache of version {}, not {}; delete the file to make it "
                              "anew",
                              this->path, found, version));
  }

  bool next(Example &example) override {
    std::function<void()> damaged = [this, begin = at] {
      throw Error(fmt::format("{}: byte {}: the record is damaged; delete the file to make it anew",
                              path, begin));
    };
    if (size - at < 20)
      damaged();
    auto length = number<uint64_t>();
    if (length == endMark) {
      std::string count = get(8);
      if (number<uint32_t>() != checksum(count) || at != size ||
          count != std::string_view(reinterpret_cast<const char *>(&records), 8))
        damaged();
      return false;
    }
    if (length > size - at - 4)
      damaged();
    std::string payload = get(length);
    if (number<uint32_t>() != checksum(payload))
      damaged();
    ++records;
    example = Payload(payload, damaged).example();
    return true;
  }

private:
  std::string get(uint64_t count) {
    std::string bytes(count, 0);
    if (!file.read(bytes.data(), std::streamsize(count)))
      throw Error(fmt::format("{}: byte {}: cannot be read: {}", path, at, std::strerror(errno)));
    at += count;
    return bytes;
  }
  template <typename T> T number() {
    T value;
    std::string bytes = get(sizeof(T));
    std::memcpy(&value, bytes.data(), sizeof(T));
    return value;
  }

  std::string path;
  std::ifstream file;
  uint64_t size = 0, at = 0, records = 0;
};

class CacheWriter : public Iterator {
public:
  CacheWriter(std::string path, std::unique_ptr<Iterator> before)
      : path(std::move(path)), temporary(temporaryName(this->path)), before(std::move(before)),
        file(temporary, std::ios::binary) {
    std::string head(magic);
    put(head, version);
    write(head);
  }
  ~CacheWriter() override {
    if (done)
      return;
    file.close();
    std::error_code ignored;
    std::filesystem::remove(temporary, ignored);
  }

  bool next(Example &example) override {
    std::string bytes;
    if (before->next(example)) {
      put(bytes, uint64_t(0)); // the length, known later
      put(bytes, uint32_t(example.x.size()));
      put(bytes, uint32_t(example.y.size()));
      put(bytes, uint32_t(!example.sample_weight.absent()));
      for (const Array &array : example.x)
        putArray(bytes, array);
      for (const Array &array : example.y)
        putArray(bytes, array);
      if (!example.sample_weight.absent())
        putArray(bytes, example.sample_weight);
      uint64_t length = bytes.size() - 8;
      std::memcpy(bytes.data(), &length, 8);
      put(bytes, checksum(std::string_view(bytes).substr(8)));
      write(bytes);
      ++records;
      return true;
    }
    put(bytes, endMark);
    put(bytes, records);
    put(bytes, checksum(std::string_view(bytes).substr(8)));
    write(bytes);
    file.close();
    std::error_code error;
    if (file)
      std::filesystem::rename(temporary, path, error);
    if (!file || error)
      throw Error(fmt::format("{}: the cache cannot be written", path));
    done = true;
    return false;
  }

private:
  void write(const std::string &bytes) {
    if (!file.write(bytes.data(), std::streamsize(bytes.size())))
      throw Error(fmt::format("{}: the cache cannot be written: {}", path, std::strerror(errno)));
  }

  std::string path, temporary;
  std::unique_ptr<Iterator> before;
  std::ofstream file;
  uint64_t records = 0;
  bool done = false;
};

class FileCache : public Stage {
public:
  FileCache(NodePtr before, std::string path) : Stage(std::move(before)), path(std::move(path)) {}
  std::unique_ptr<Iterator> start(uint64_t) const override {
    if (std::filesystem::exists(path))
      return std::make_unique<CacheReader>(path);
    return std::make_unique<CacheWriter>(path, before->start(0));
  }
  bool reshuffles() const override { return false; }

private:
  std::string path;
};

} // namespace

NodePtr detail::cachedInMemory(NodePtr before) {
  return std::make_shared<MemoryCache>(std::move(before));
}

NodePtr detail::cachedInFile(NodePtr before, std::string file) {
  return std::make_shared<FileCache>(std::move(before), std::move(file));
}

} // namespace cornet::data
