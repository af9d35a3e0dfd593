#include <nlohmann/json.hpp>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "data/cache/rejected_json.h"
#include "data/cache/shard_file.h"
#include "data/cache/shard_types.h"

namespace permafrost::data {
namespace {

constexpr char kRemedy[] = ": delete it and run cache build again";

// One file that may be anything.
class Suspect {
 public:
  Suspect(const std::string& path, uint64_t file_bytes) : path_(path), file_bytes_(file_bytes) {
    const Hdf5Properties access = hdf5_file_access();
    file_ = Hdf5File(HDF5_TRY(H5Fopen(path.c_str(), H5F_ACC_RDONLY, access.get())));
    root_ = Hdf5Group(HDF5_TRY(H5Gopen2(file_.get(), "/", H5P_DEFAULT)));
  }

  void read_header(ShardHeader& header) const;
  ShardLayout read_layout(const CacheKey& key) const;

 private:
  [[noreturn]] void refuse(const std::string& complaint) const {
    throw core::DataError(path_ + ": " + complaint + kRemedy);
  }
  void require(bool holds, const std::string& complaint) const {
    if (!holds) refuse(complaint);
  }

  std::string text_attribute(const char* name) const;
  int64_t number_attribute(const char* name) const;
  Hdf5Dataset open_dataset(const std::string& name) const;
  int64_t read_rows(const Field& checksums) const;
  uint64_t require_dataset(const Field& field, int64_t rows) const;
  void require_storage(const Hdf5Dataset& dataset, const std::string& name) const;
  void require_only(size_t datasets) const;

  std::string path_;
  uint64_t file_bytes_;
  Hdf5File file_;
  Hdf5Group root_;
};

std::string Suspect::text_attribute(const char* name) const {
  require(HDF5_TRY(H5Aexists(root_.get(), name)) > 0, std::string("not a shard: no attribute '") + name + "'");
  const Hdf5Attribute attribute(HDF5_TRY(H5Aopen(root_.get(), name, H5P_DEFAULT)));
  const Hdf5Datatype type(HDF5_TRY(H5Aget_type(attribute.get())));
  const Hdf5Dataspace space(HDF5_TRY(H5Aget_space(attribute.get())));
  const size_t bytes = H5Tget_size(type.get());
  require(H5Tget_class(type.get()) == H5T_STRING && H5Tis_variable_str(type.get()) == 0 &&
              H5Sget_simple_extent_type(space.get()) == H5S_SCALAR && bytes <= file_bytes_,
          std::string("attribute '") + name + "' is no text that fits into the file");
  std::string text(bytes, '\0');
  HDF5_TRY(H5Aread(attribute.get(), type.get(), text.data()));
  while (!text.empty() && text.back() == '\0') text.pop_back();
  return text;
}

int64_t Suspect::number_attribute(const char* name) const {
  require(HDF5_TRY(H5Aexists(root_.get(), name)) > 0, std::string("not a shard: no attribute '") + name + "'");
  const Hdf5Attribute attribute(HDF5_TRY(H5Aopen(root_.get(), name, H5P_DEFAULT)));
  const Hdf5Datatype type(HDF5_TRY(H5Aget_type(attribute.get())));
  const Hdf5Dataspace space(HDF5_TRY(H5Aget_space(attribute.get())));
  require(H5Tequal(type.get(), H5T_STD_I64LE) > 0 && H5Sget_simple_extent_type(space.get()) == H5S_SCALAR,
          std::string("attribute '") + name + "' is no 64-bit integer");
  int64_t value = 0;
  HDF5_TRY(H5Aread(attribute.get(), H5T_NATIVE_INT64, &value));
  return value;
}

void Suspect::read_header(ShardHeader& header) const {
  const std::string format = text_attribute("format");
  require(format == "permafrost cache shard", "not a shard: its format is '" + format.substr(0, 64) + "'");
  const int64_t version = number_attribute("format_version");
  require(version == kCacheFormatVersion,
          "format version " + std::to_string(version) + ", expected " + std::to_string(kCacheFormatVersion));
  const auto key = nlohmann::json::parse(text_attribute("key"), nullptr, /*allow_exceptions=*/false);
  header.key = cache_key_from_json(key, path_);
  require(text_attribute("key_sha256") == header.key.hash(), "attribute 'key_sha256' is not that of 'key'");
  header.unit = number_attribute("unit");
  const std::string text = text_attribute("rejected");  // large ones lie where HDF5 keeps no checksum
  require(text_attribute("rejected_sha256") == core::sha256_hex(text), "attribute 'rejected' is damaged");
  const auto rejected = nlohmann::json::parse(text, nullptr, /*allow_exceptions=*/false);
  header.rejected = rejected_from_json(rejected, path_);
}

Hdf5Dataset Suspect::open_dataset(const std::string& name) const {
  require(HDF5_TRY(H5Lexists(root_.get(), name.c_str(), H5P_DEFAULT)) > 0, "no dataset '" + name + "'");
  H5L_info_t link;
  HDF5_TRY(H5Lget_info(root_.get(), name.c_str(), &link, H5P_DEFAULT));
  require(link.type == H5L_TYPE_HARD, "'" + name + "' is a soft or external link, expected a dataset of this file");
  H5O_info_t object;
  HDF5_TRY(H5Oget_info_by_name2(root_.get(), name.c_str(), &object, H5O_INFO_BASIC, H5P_DEFAULT));
  require(object.type == H5O_TYPE_DATASET, "'" + name + "' is no dataset");
  return Hdf5Dataset(HDF5_TRY(H5Dopen2(root_.get(), name.c_str(), H5P_DEFAULT)));
}

int64_t Suspect::read_rows(const Field& checksums) const {
  const Hdf5Dataset dataset = open_dataset(checksums.name);
  const Hdf5Dataspace space(HDF5_TRY(H5Dget_space(dataset.get())));
  require(H5Sget_simple_extent_ndims(space.get()) == 2, "dataset 'crc32c' expected two axes");
  hsize_t dimensions[2] = {};
  HDF5_TRY(H5Sget_simple_extent_dims(space.get(), dimensions, nullptr));
  require(dimensions[0] <= file_bytes_ / 4, "dataset 'crc32c' declares " + std::to_string(dimensions[0]) +
                                                " records, more than the file's " + std::to_string(file_bytes_) +
                                                " bytes can hold");
  return static_cast<int64_t>(dimensions[0]);
}

void Suspect::require_storage(const Hdf5Dataset& dataset, const std::string& name) const {
  const Hdf5Properties creation(HDF5_TRY(H5Dget_create_plist(dataset.get())));
  require(HDF5_TRY(H5Pget_nfilters(creation.get())) == 0, "dataset '" + name + "' is filtered, expected plain bytes");
  require(H5Pget_layout(creation.get()) == H5D_CONTIGUOUS, "dataset '" + name + "' is not contiguous");
  require(HDF5_TRY(H5Pget_external_count(creation.get())) == 0, "dataset '" + name + "' lies in another file");
}

// Returns the offset in the file, 0 where there are no rows.
uint64_t Suspect::require_dataset(const Field& field, int64_t rows) const {
  const std::string name = "dataset '" + field.name + "'";
  const Hdf5Dataset dataset = open_dataset(field.name);
  require_storage(dataset, field.name);
  const Hdf5Datatype found_type(HDF5_TRY(H5Dget_type(dataset.get())));
  const Hdf5Datatype type = hdf5_type(field);
  require(HDF5_TRY(H5Tequal(found_type.get(), type.get())) > 0, name + " is of another type than its codec's");
  const std::vector<hsize_t> dimensions = hdf5_dimensions(field, rows);
  const Hdf5Dataspace space(HDF5_TRY(H5Dget_space(dataset.get())));
  require(H5Sget_simple_extent_ndims(space.get()) == static_cast<int>(dimensions.size()),
          name + " has another number of axes than its key says");
  std::vector<hsize_t> found(dimensions.size());
  HDF5_TRY(H5Sget_simple_extent_dims(space.get(), found.data(), nullptr));
  require(found == dimensions, name + " has another shape than its key says");
  if (rows == 0) return 0;
  const uint64_t bytes = checked_product(field.record_bytes(), static_cast<uint64_t>(rows), path_ + ": " + name);
  const haddr_t offset = H5Dget_offset(dataset.get());
  require(offset != HADDR_UNDEF && bytes <= file_bytes_ && offset <= file_bytes_ - bytes,
          name + " of " + std::to_string(bytes) + " bytes ends beyond the file's " + std::to_string(file_bytes_));
  return offset;
}

void Suspect::require_only(size_t datasets) const {
  H5G_info_t info;
  HDF5_TRY(H5Gget_info(root_.get(), &info));
  require(info.nlinks == datasets,
          "the root group has " + std::to_string(info.nlinks) + " members, expected " + std::to_string(datasets));
}

ShardLayout Suspect::read_layout(const CacheKey& key) const {
  ShardLayout layout;
  layout.file_bytes = file_bytes_;
  try {
    layout.fields = shard_fields(key);
  } catch (const core::ConfigError& error) {
    refuse(error.what());
  }
  const Field checksums = checksum_field(layout.fields);
  require_only(layout.fields.size() + 1);
  layout.rows = read_rows(checksums);
  for (const Field& field : layout.fields) layout.offsets[field.name] = require_dataset(field, layout.rows);
  layout.offsets[checksums.name] = require_dataset(checksums, layout.rows);
  return layout;
}

}  // namespace

ShardLayout open_shard_file(const std::string& path, ShardHeader& header) {
  const uint64_t bytes = core::file_bytes(path);
  core::open_for_reading(path);  // a missing file or right is the system's error, not the shard's
  try {
    const Hdf5Lock lock;
    const Suspect suspect(path, bytes);
    suspect.read_header(header);
    return suspect.read_layout(header.key);
  } catch (const core::IoError& error) {
    throw core::DataError(path + ": not a whole shard: " + error.what() + kRemedy);
  }
}

}  // namespace permafrost::data
