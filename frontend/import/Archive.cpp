// SPDX-License-Identifier: Apache-2.0
//
// Archive.h by libzip.
#include "frontend/import/Archive.h"

#include "frontend/import/Hdf5.h"

#include <memory>
#include <zip.h>

namespace cornet::import {

std::vector<char> readArchiveMember(const std::string &path, const std::string &member) {
  int code = 0;
  std::unique_ptr<zip_t, void (*)(zip_t *)> archive(zip_open(path.c_str(), ZIP_RDONLY, &code),
                                                    zip_discard);
  if (!archive) {
    zip_error_t error;
    zip_error_init_with_code(&error, code);
    std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw ImportError(path + ": not a .keras archive (" + why +
                      "); save it with model.save(\"name.keras\")");
  }
  zip_stat_t stat;
  if (zip_stat(archive.get(), member.c_str(), 0, &stat) != 0)
    throw ImportError(path + ": the archive has no '" + member +
                      "'; it was not written by Keras 3, or is cut short");
  constexpr zip_uint64_t limit = zip_uint64_t(4) << 30;
  if (stat.size > limit || (stat.size > (1 << 20) && stat.size / 1000 > stat.comp_size))
    throw ImportError(path + ": '" + member + "' declares " + std::to_string(stat.size) +
                      " bytes, which is refused");
  std::unique_ptr<zip_file_t, int (*)(zip_file_t *)> file(
      zip_fopen(archive.get(), member.c_str(), 0), zip_fclose);
  std::vector<char> bytes(stat.size);
  if (!file || zip_fread(file.get(), bytes.data(), bytes.size()) != zip_int64_t(bytes.size()))
    throw ImportError(path + ": '" + member + "' cannot be read; the archive is damaged");
  return bytes;
}

} // namespace cornet::import
