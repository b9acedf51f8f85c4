// SPDX-License-Identifier: Apache-2.0
// NumPy's .npz: a zip archive of .npy files, through libzip. Names lose their ".npy". Archives
// written here are stored uncompressed and carry no times, so that equal arrays give equal files.
#include "frontend/data/Files.h"

#include <fmt/format.h>
#include <memory>
#include <zip.h>

namespace cornet::data {
namespace {

struct Discard {
  void operator()(zip_t *archive) const { zip_discard(archive); }
  void operator()(zip_file_t *file) const { zip_fclose(file); }
};
using Archive = std::unique_ptr<zip_t, Discard>;

Archive openArchive(const std::string &path, int flags) {
  int code = 0;
  Archive archive(zip_open(path.c_str(), flags, &code));
  if (archive)
    return archive;
  zip_error_t error;
  zip_error_init_with_code(&error, code);
  std::string text = zip_error_strerror(&error);
  zip_error_fini(&error);
  throw Error(fmt::format("{}: is not a readable .npz archive: {}", path, text));
}

std::string readEntry(zip_t *archive, zip_uint64_t index, const std::string &where) {
  zip_stat_t stat;
  if (zip_stat_index(archive, index, 0, &stat) != 0 || !(stat.valid & ZIP_STAT_SIZE))
    throw Error(fmt::format("{}: has no size in the archive", where));
  std::unique_ptr<zip_file_t, Discard> file(zip_fopen_index(archive, index, 0));
  if (!file)
    throw Error(fmt::format("{}: {}", where, zip_strerror(archive)));
  // The declared size is only believed as far as bytes really arrive.
  std::string bytes, block(1 << 20, 0);
  while (true) {
    zip_int64_t got = zip_fread(file.get(), block.data(), block.size());
    if (got < 0)
      throw Error(fmt::format("{}: is damaged: {}", where, zip_file_strerror(file.get())));
    if (got == 0)
      return bytes;
    bytes.append(block.data(), size_t(got));
    if (bytes.size() > stat.size)
      throw Error(fmt::format("{}: is longer than the archive says", where));
  }
}

} // namespace

NamedArrays readNpz(const std::string &path) {
  Archive archive = openArchive(path, ZIP_RDONLY);
  NamedArrays arrays;
  for (zip_int64_t i = 0, end = zip_get_num_entries(archive.get(), 0); i < end; ++i) {
    const char *entry = zip_get_name(archive.get(), zip_uint64_t(i), 0);
    std::string name = entry ? entry : "";
    std::string where = fmt::format("{}: {}", path, name);
    if (!name.ends_with(".npy"))
      throw Error(fmt::format("{}: is not a .npy; an .npz archive holds nothing else", where));
    Array array = parseNpy(readEntry(archive.get(), zip_uint64_t(i), where), where);
    arrays.emplace_back(name.substr(0, name.size() - 4), std::move(array));
  }
  return arrays;
}

void writeNpz(const std::string &path, const NamedArrays &arrays) {
  std::vector<std::string> contents; // libzip reads them only when it closes the archive
  contents.reserve(arrays.size());
  replaceFile(path, [&](const std::string &temporary) {
    Archive archive = openArchive(temporary, ZIP_CREATE | ZIP_TRUNCATE);
    for (const auto &[name, array] : arrays) {
      const std::string &bytes = contents.emplace_back(formatNpy(array));
      zip_source_t *source = zip_source_buffer(archive.get(), bytes.data(), bytes.size(), 0);
      zip_int64_t index =
          source ? zip_file_add(archive.get(), (name + ".npy").c_str(), source, ZIP_FL_ENC_UTF_8)
                 : -1;
      if (index < 0) {
        zip_source_free(source);
        throw Error(fmt::format("{}: {}", path, zip_strerror(archive.get())));
      }
      zip_set_file_compression(archive.get(), zip_uint64_t(index), ZIP_CM_STORE, 0);
      zip_file_set_mtime(archive.get(), zip_uint64_t(index), 315532800,
                         0); // 1980, the format's zero
    }
    if (zip_close(archive.get()) != 0)
      throw Error(fmt::format("{}: cannot be written: {}", path, zip_strerror(archive.get())));
    archive.release(); // closed
  });
}

} // namespace cornet::data
