#include <algorithm>
#include <nlohmann/json.hpp>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "data/cache/rejected_json.h"
#include "data/cache/shard_file.h"
#include "data/cache/shard_types.h"

namespace permafrost::data {
namespace {

// Links and attributes stay in the object's header, which has a checksum, instead of an index of their own.
constexpr unsigned kCompactLimit = 32;

void keep_compact(const Hdf5Properties& creation) {
  HDF5_TRY(H5Pset_attr_phase_change(creation.get(), kCompactLimit, 0));
  HDF5_TRY(H5Pset_obj_track_times(creation.get(), false));
}

Hdf5Properties file_creation() {
  Hdf5Properties creation(HDF5_TRY(H5Pcreate(H5P_FILE_CREATE)));
  keep_compact(creation);
  HDF5_TRY(H5Pset_link_phase_change(creation.get(), kCompactLimit, 0));
  return creation;
}

Hdf5Properties dataset_creation() {
  Hdf5Properties creation(HDF5_TRY(H5Pcreate(H5P_DATASET_CREATE)));
  keep_compact(creation);
  HDF5_TRY(H5Pset_layout(creation.get(), H5D_CONTIGUOUS));
  HDF5_TRY(H5Pset_alloc_time(creation.get(), H5D_ALLOC_TIME_EARLY));
  HDF5_TRY(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER));
  return creation;
}

void write_text(hid_t object, const char* name, const std::string& text) {
  const Hdf5Datatype type = hdf5_text_type(std::max<size_t>(text.size(), 1));
  const Hdf5Dataspace space(HDF5_TRY(H5Screate(H5S_SCALAR)));
  const Hdf5Attribute attribute(HDF5_TRY(H5Acreate2(object, name, type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT)));
  HDF5_TRY(H5Awrite(attribute.get(), type.get(), text.c_str()));
}

void write_number(hid_t object, const char* name, int64_t value) {
  const Hdf5Dataspace space(HDF5_TRY(H5Screate(H5S_SCALAR)));
  const Hdf5Attribute attribute(
      HDF5_TRY(H5Acreate2(object, name, H5T_STD_I64LE, space.get(), H5P_DEFAULT, H5P_DEFAULT)));
  HDF5_TRY(H5Awrite(attribute.get(), H5T_NATIVE_INT64, &value));
}

Hdf5Dataset create_dataset(const Hdf5File& file, const Field& field, int64_t rows) {
  const Hdf5Datatype type = hdf5_type(field);
  const std::vector<hsize_t> dimensions = hdf5_dimensions(field, rows);
  const Hdf5Dataspace space(
      HDF5_TRY(H5Screate_simple(static_cast<int>(dimensions.size()), dimensions.data(), nullptr)));
  const Hdf5Properties creation = dataset_creation();
  Hdf5Dataset dataset(HDF5_TRY(
      H5Dcreate2(file.get(), field.name.c_str(), type.get(), space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT)));
  write_text(dataset.get(), "axes", field.axes.empty() ? "record" : "record, " + field.axes);
  write_text(dataset.get(), "units", field.units);
  write_text(dataset.get(), "meaning", field.meaning);
  return dataset;
}

void write_header(const Hdf5File& file, const ShardHeader& header) {
  write_text(file.get(), "format", "permafrost cache shard");
  write_number(file.get(), "format_version", header.key.format_version);
  write_text(file.get(), "key", header.key.canonical_json());
  write_text(file.get(), "key_sha256", header.key.hash());
  write_number(file.get(), "unit", header.unit);
  const std::string rejected = rejected_to_json(header.rejected).dump();
  write_text(file.get(), "rejected", rejected);
  write_text(file.get(), "rejected_sha256", core::sha256_hex(rejected));
}

std::string column_names(const std::vector<Field>& fields) {
  std::string names;
  for (const Field& field : fields) names += (names.empty() ? "" : ", ") + field.name;
  return names;
}

void fill_file(const Hdf5File& file, const ShardHeader& header, ShardLayout& layout) {
  write_header(file, header);
  std::vector<Field> all = layout.fields;
  all.push_back(checksum_field(layout.fields));
  for (const Field& field : all) {
    checked_product(field.record_bytes(), static_cast<uint64_t>(layout.rows), field.name);
    const Hdf5Dataset dataset = create_dataset(file, field, layout.rows);
    if (field.name == kChecksumDataset) write_text(dataset.get(), "columns", column_names(layout.fields));
    if (layout.rows == 0) continue;  // takes no room in the file
    const haddr_t offset = H5Dget_offset(dataset.get());
    if (offset == HADDR_UNDEF) throw core::IoError(field.name + ": the HDF5 library set no room aside");
    layout.offsets[field.name] = offset;
  }
  HDF5_TRY(H5Fflush(file.get(), H5F_SCOPE_GLOBAL));
}

}  // namespace

ShardLayout create_shard_file(const std::string& path, const ShardHeader& header, int64_t rows) {
  ShardLayout layout;
  layout.rows = rows;
  layout.fields = shard_fields(header.key);
  try {
    const Hdf5Lock lock;
    const Hdf5Properties creation = file_creation();
    const Hdf5Properties access = hdf5_file_access();
    Hdf5File file(HDF5_TRY(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get())));
    fill_file(file, header, layout);
    HDF5_TRY(H5Fclose(file.release()));
  } catch (const core::IoError& error) {
    throw core::IoError(core::published_name(path) + ": cannot create the shard: " + error.what());
  }
  layout.file_bytes = core::file_bytes(path);
  return layout;
}

}  // namespace permafrost::data
