// SPDX-License-Identifier: Apache-2.0
//
// Hdf5.h by libhdf5. Each handle is closed by a small guard; the library's own error printing is
// off.
#include "frontend/import/Hdf5.h"

#include <algorithm>
#include <hdf5.h>
#include <hdf5_hl.h>
#include <memory>

namespace cornet::import {
namespace {

/// Closes an HDF5 handle of any kind.
class Handle {
public:
  Handle(hid_t id, herr_t (*close)(hid_t)) : id(id), close(close) {}
  ~Handle() {
    if (id >= 0)
      close(id);
  }
  Handle(const Handle &) = delete;
  operator hid_t() const { return id; }

private:
  hid_t id;
  herr_t (*close)(hid_t);
};

void silence() { H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr); }

/// The strings of attribute `attr`, of fixed or variable length.
std::vector<std::string> strings(hid_t attr) {
  Handle type(H5Aget_type(attr), H5Tclose), space(H5Aget_space(attr), H5Sclose);
  if (H5Tget_class(type) != H5T_STRING)
    return {};
  hssize_t count = H5Sget_simple_extent_npoints(space);
  if (count <= 0 || count > (1 << 20))
    return {};
  std::vector<std::string> out;
  if (H5Tis_variable_str(type) > 0) {
    Handle memory(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(memory, H5T_VARIABLE);
    H5Tset_cset(memory, H5Tget_cset(type));
    std::vector<char *> raw(count, nullptr);
    if (H5Aread(attr, memory, raw.data()) < 0)
      return {};
    for (char *text : raw)
      out.emplace_back(text ? text : "");
    H5Dvlen_reclaim(memory, space, H5P_DEFAULT, raw.data());
    return out;
  }
  size_t size = H5Tget_size(type);
  std::vector<char> raw(size * count);
  if (size == 0 || H5Aread(attr, type, raw.data()) < 0)
    return {};
  for (hssize_t i = 0; i < count; ++i) {
    std::string text(raw.data() + i * size, size);
    out.push_back(text.substr(0, text.find('\0')));
  }
  return out;
}

} // namespace

Hdf5File Hdf5File::open(const std::string &path) {
  silence();
  hid_t id = H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT);
  if (id < 0)
    throw ImportError(path + ": not a readable HDF5 file; save it again with model.save()");
  return Hdf5File(id, path);
}

Hdf5File Hdf5File::fromMemory(const std::vector<char> &bytes, const std::string &name) {
  silence();
  hid_t id = H5LTopen_file_image(const_cast<char *>(bytes.data()), bytes.size(), 0);
  if (id < 0)
    throw ImportError(name + ": not a readable HDF5 file; save the model again with model.save()");
  return Hdf5File(id, name);
}

Hdf5File::Hdf5File(Hdf5File &&other) noexcept : id(other.id), name(std::move(other.name)) {
  other.id = -1;
}

Hdf5File::~Hdf5File() {
  if (id >= 0)
    H5Fclose(id);
}

void Hdf5File::fail(const std::string &path, const std::string &why) const {
  throw ImportError(name + ": '" + path + "' " + why);
}

bool Hdf5File::exists(const std::string &path) const {
  // H5Lexists wants every prefix to exist, so the path is walked.
  for (size_t at = 0; at != std::string::npos;) {
    at = path.find('/', at + 1);
    std::string prefix = path.substr(0, at);
    if (!prefix.empty() && H5Lexists(id, prefix.c_str(), H5P_DEFAULT) <= 0)
      return false;
  }
  return true;
}

std::vector<std::string> Hdf5File::children(const std::string &path) const {
  Handle group(H5Gopen2(id, path.c_str(), H5P_DEFAULT), H5Gclose);
  H5G_info_t info;
  if (group < 0 || H5Gget_info(group, &info) < 0)
    fail(path, "is not a group");
  std::vector<std::string> names;
  for (hsize_t i = 0; i < info.nlinks; ++i) {
    char buffer[1024];
    if (H5Lget_name_by_idx(group, ".", H5_INDEX_NAME, H5_ITER_INC, i, buffer, sizeof buffer,
                           H5P_DEFAULT) < 0)
      fail(path, "has a member that cannot be read");
    names.emplace_back(buffer);
  }
  return names;
}

Array Hdf5File::read(const std::string &path) const {
  H5L_info_t link;
  if (H5Lget_info(id, path.c_str(), &link, H5P_DEFAULT) < 0 || link.type != H5L_TYPE_HARD)
    fail(path, "is missing or a link out of the file; weights must lie in the file itself");
  Handle set(H5Dopen2(id, path.c_str(), H5P_DEFAULT), H5Dclose);
  if (set < 0)
    fail(path, "is not a dataset");
  Handle type(H5Dget_type(set), H5Tclose), space(H5Dget_space(set), H5Sclose);
  Handle properties(H5Dget_create_plist(set), H5Pclose);
  if (H5Pget_external_count(properties) > 0 || H5Pget_layout(properties) == H5D_VIRTUAL)
    fail(path, "keeps its data outside the file, which is refused");
  H5T_class_t kind = H5Tget_class(type);
  if (kind != H5T_FLOAT && kind != H5T_INTEGER)
    fail(path, "is neither floating-point nor integer");
  Array out;
  int rank = H5Sget_simple_extent_ndims(space);
  std::vector<hsize_t> extents(std::max(rank, 0));
  H5Sget_simple_extent_dims(space, extents.data(), nullptr);
  uint64_t count = 1;
  for (hsize_t extent : extents) {
    if (extent != 0 && count > (uint64_t(1) << 30) / extent)
      fail(path, "declares more than 4 GiB");
    count *= extent;
    out.shape.push_back(int64_t(extent));
  }
  out.data.resize(count);
  if (H5Dread(set, H5T_NATIVE_FLOAT, H5S_ALL, H5S_ALL, H5P_DEFAULT, out.data.data()) < 0)
    fail(path, "cannot be read; the file is damaged");
  return out;
}

std::vector<std::string> Hdf5File::attributeList(const std::string &path,
                                                 const std::string &attribute) const {
  auto one = [&](const std::string &key) -> std::vector<std::string> {
    if (H5Aexists_by_name(id, path.c_str(), key.c_str(), H5P_DEFAULT) <= 0)
      return {};
    Handle attr(H5Aopen_by_name(id, path.c_str(), key.c_str(), H5P_DEFAULT, H5P_DEFAULT), H5Aclose);
    return attr < 0 ? std::vector<std::string>{} : strings(attr);
  };
  std::vector<std::string> out = one(attribute);
  for (int part = 0; out.empty() || part > 0; ++part) {
    std::vector<std::string> more = one(attribute + std::to_string(part));
    if (more.empty())
      break;
    out.insert(out.end(), more.begin(), more.end());
  }
  return out;
}

std::string Hdf5File::attribute(const std::string &path, const std::string &attribute) const {
  if (H5Aexists_by_name(id, path.c_str(), attribute.c_str(), H5P_DEFAULT) <= 0)
    return "";
  Handle attr(H5Aopen_by_name(id, path.c_str(), attribute.c_str(), H5P_DEFAULT, H5P_DEFAULT),
              H5Aclose);
  std::vector<std::string> all = attr < 0 ? std::vector<std::string>{} : strings(attr);
  return all.empty() ? "" : all.front();
}

} // namespace cornet::import
