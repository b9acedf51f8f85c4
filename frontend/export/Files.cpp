// SPDX-License-Identifier: Apache-2.0
//
// Files.h by libhdf5's core driver, libzip's buffers, and POSIX.
#include "frontend/export/Files.h"

#include <cornet/saving.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <fcntl.h>
#include <hdf5.h>
#include <memory>
#include <unistd.h>
#include <zip.h>

namespace cornet::saving {
namespace {

hid_t checked(hid_t id, const char *what) {
  if (id < 0)
    throw SavingError(std::string("libhdf5 cannot make ") + what + "; is memory short?");
  return id;
}

/// Closes an HDF5 handle of any kind.
struct Guard {
  hid_t id;
  herr_t (*close)(hid_t);
  ~Guard() { close(id); }
  operator hid_t() const { return id; }
};

Guard withParents() {
  hid_t list = H5Pcreate(H5P_LINK_CREATE);
  H5Pset_create_intermediate_group(list, 1);
  return {list, H5Pclose};
}

/// A creation list of class `kind` without times: equal weights are equal files, whenever written.
Guard withoutTimes(hid_t kind) {
  hid_t list = H5Pcreate(kind);
  H5Pset_obj_track_times(list, false);
  return {list, H5Pclose};
}

void writeDataset(hid_t file, const std::string &path, const Shape &shape, hid_t stored,
                  hid_t native, const void *cells) {
  std::vector<hsize_t> extents(shape.begin(), shape.end());
  Guard space{checked(shape.empty()
                          ? H5Screate(H5S_SCALAR)
                          : H5Screate_simple(int(extents.size()), extents.data(), nullptr),
                      "a dataspace"),
              H5Sclose};
  Guard parents = withParents(), created = withoutTimes(H5P_DATASET_CREATE);
  Guard set{checked(H5Dcreate2(file, path.c_str(), stored, space, parents, created, H5P_DEFAULT),
                    "a dataset"),
            H5Dclose};
  checked(H5Dwrite(set, native, H5S_ALL, H5S_ALL, H5P_DEFAULT, cells), "a dataset's cells");
}

} // namespace

Hdf5Image::Hdf5Image() {
  H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr);
  Guard access{checked(H5Pcreate(H5P_FILE_ACCESS), "a property list"), H5Pclose};
  H5Pset_fapl_core(access, size_t(1) << 20, /*backing_store=*/false);
  file = checked(H5Fcreate("cornet.weights.h5", H5F_ACC_TRUNC, H5P_DEFAULT, access), "a file");
}

Hdf5Image::~Hdf5Image() { H5Fclose(file); }

void Hdf5Image::group(const std::string &path, const std::string &name) {
  Guard parents = withParents(), created = withoutTimes(H5P_GROUP_CREATE);
  Guard group{checked(H5Gcreate2(file, path.c_str(), parents, created, H5P_DEFAULT), "a group"),
              H5Gclose};
  Guard type{H5Tcopy(H5T_C_S1), H5Tclose}, space{H5Screate(H5S_SCALAR), H5Sclose};
  H5Tset_size(type, H5T_VARIABLE), H5Tset_cset(type, H5T_CSET_UTF8);
  Guard attribute{
      checked(H5Acreate2(group, "name", type, space, H5P_DEFAULT, H5P_DEFAULT), "an attribute"),
      H5Aclose};
  const char *text = name.c_str();
  checked(H5Awrite(attribute, type, &text), "an attribute's text");
}

void Hdf5Image::dataset(const std::string &path, const Shape &shape,
                        const std::vector<float> &cells, const std::string &dtype) {
  if (dtype != "i32")
    return writeDataset(file, path, shape, H5T_IEEE_F32LE, H5T_NATIVE_FLOAT, cells.data());
  std::vector<int32_t> integers(cells.begin(), cells.end());
  writeDataset(file, path, shape, H5T_STD_I32LE, H5T_NATIVE_INT32, integers.data());
}

void Hdf5Image::seed(const std::string &path, uint32_t seed) {
  const uint32_t state[2] = {seed, 0};
  writeDataset(file, path, {2}, H5T_STD_U32LE, H5T_NATIVE_UINT32, state);
}

std::vector<char> Hdf5Image::bytes() {
  checked(H5Fflush(file, H5F_SCOPE_GLOBAL), "the file");
  ssize_t size = H5Fget_file_image(file, nullptr, 0);
  if (size < 0)
    throw SavingError("libhdf5 cannot tell the size of the file it made");
  std::vector<char> out;
  out.resize(size_t(size));
  if (H5Fget_file_image(file, out.data(), out.size()) != size)
    throw SavingError("libhdf5 cannot hand out the file it made");
  return out;
}

std::vector<char>
zipArchive(const std::vector<std::pair<std::string, const std::vector<char> *>> &members) {
  zip_error_t error;
  zip_error_init(&error);
  auto fail = [&] {
    std::string why = zip_error_strerror(&error);
    zip_error_fini(&error);
    throw SavingError("libzip cannot make the archive: " + why);
  };
  std::unique_ptr<zip_source_t, void (*)(zip_source_t *)> target(
      zip_source_buffer_create(nullptr, 0, 0, &error), zip_source_free);
  if (!target)
    fail();
  zip_t *archive = zip_open_from_source(target.get(), ZIP_TRUNCATE, &error);
  if (!archive)
    fail();
  zip_source_keep(target.get()); // the archive owns one reference, this function the other
  for (const auto &[name, bytes] : members) {
    zip_source_t *source = zip_source_buffer(archive, bytes->data(), bytes->size(), 0);
    zip_int64_t index = source ? zip_file_add(archive, name.c_str(), source, ZIP_FL_ENC_UTF_8) : -1;
    if (index < 0 || zip_set_file_compression(archive, zip_uint64_t(index), ZIP_CM_STORE, 0) < 0) {
      if (source && index < 0)
        zip_source_free(source);
      zip_discard(archive);
      throw SavingError("libzip cannot add '" + name + "' to the archive");
    }
  }
  if (zip_close(archive) < 0) {
    zip_discard(archive);
    throw SavingError("libzip cannot finish the archive");
  }
  std::vector<char> out;
  zip_stat_t stat;
  zip_stat_init(&stat);
  if (zip_source_open(target.get()) < 0 || zip_source_stat(target.get(), &stat) < 0)
    throw SavingError("libzip cannot hand out the archive");
  out.resize(stat.size);
  zip_int64_t read = zip_source_read(target.get(), out.data(), out.size());
  zip_source_close(target.get());
  if (read != zip_int64_t(out.size()))
    throw SavingError("libzip cannot hand out the archive");
  return out;
}

void writeAtomically(const std::string &path, const std::vector<char> &bytes) {
  static std::atomic<unsigned> written = 0;
  std::string temporary =
      path + ".tmp-" + std::to_string(getpid()) + "-" + std::to_string(++written);
  auto fail = [&](const char *what) {
    int code = errno;
    unlink(temporary.c_str());
    throw SavingError(path + ": cannot be " + what + ": " + std::strerror(code));
  };
  int file = open(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  if (file < 0)
    fail("created");
  for (size_t done = 0; done < bytes.size();) {
    ssize_t n = write(file, bytes.data() + done, bytes.size() - done);
    if (n < 0 && errno == EINTR)
      continue;
    if (n < 0) {
      int code = errno;
      close(file), errno = code;
      fail("written");
    }
    done += size_t(n);
  }
  bool synced = fsync(file) == 0;
  int code = errno;
  if (close(file) != 0 || !synced) {
    errno = synced ? errno : code;
    fail("written");
  }
  if (rename(temporary.c_str(), path.c_str()) != 0)
    fail("renamed into place");
  std::string folder = path.substr(0, path.rfind('/') + 1);
  int directory = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory >= 0) // the new name itself: best effort, some file systems refuse
    fsync(directory), close(directory);
}

} // namespace cornet::saving
