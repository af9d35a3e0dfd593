#include "data/cache/shard_types.h"

#include "core/base/error.h"

namespace permafrost::data {
namespace {

constexpr hsize_t kAlignmentBytes = 4096;

// One sign bit, then exponent, then fraction, from the top of 16 bits.
Hdf5Datatype short_float(size_t exponent_bits, size_t fraction_bits, size_t bias) {
  Hdf5Datatype type(HDF5_TRY(H5Tcopy(H5T_IEEE_F32LE)));
  HDF5_TRY(H5Tset_fields(type.get(), 15, fraction_bits, exponent_bits, 0, fraction_bits));
  HDF5_TRY(H5Tset_size(type.get(), 2));
  HDF5_TRY(H5Tset_ebias(type.get(), bias));
  return type;
}

Hdf5Datatype copy_of(hid_t type) { return Hdf5Datatype(HDF5_TRY(H5Tcopy(type))); }

}  // namespace

Hdf5Datatype hdf5_type(const Field& field) {
  switch (field.type) {
    case FieldType::kUint8:
      return copy_of(H5T_STD_U8LE);
    case FieldType::kInt8:
      return copy_of(H5T_STD_I8LE);
    case FieldType::kHalf:
      return short_float(5, 10, 15);
    case FieldType::kBrainFloat:
      return short_float(8, 7, 127);
    case FieldType::kFloat:
      return copy_of(H5T_IEEE_F32LE);
    case FieldType::kDouble:
      return copy_of(H5T_IEEE_F64LE);
    case FieldType::kInt64:
      return copy_of(H5T_STD_I64LE);
    case FieldType::kUint32:
      return copy_of(H5T_STD_U32LE);
    case FieldType::kText:
      return hdf5_text_type(static_cast<size_t>(field.text_bytes));
  }
  PERMAFROST_CHECK(false, "no HDF5 type for " + field.name);
  return {};
}

Hdf5Datatype hdf5_text_type(size_t bytes) {
  Hdf5Datatype type = copy_of(H5T_C_S1);
  HDF5_TRY(H5Tset_size(type.get(), bytes));
  HDF5_TRY(H5Tset_strpad(type.get(), H5T_STR_NULLPAD));
  HDF5_TRY(H5Tset_cset(type.get(), H5T_CSET_UTF8));
  return type;
}

std::vector<hsize_t> hdf5_dimensions(const Field& field, int64_t rows) {
  std::vector<hsize_t> dimensions = {static_cast<hsize_t>(rows)};
  for (const int64_t size : field.shape) dimensions.push_back(static_cast<hsize_t>(size));
  return dimensions;
}

Hdf5Properties hdf5_file_access() {
  Hdf5Properties access(HDF5_TRY(H5Pcreate(H5P_FILE_ACCESS)));
  HDF5_TRY(H5Pset_libver_bounds(access.get(), H5F_LIBVER_V110, H5F_LIBVER_V110));
  HDF5_TRY(H5Pset_alignment(access.get(), kAlignmentBytes, kAlignmentBytes));
  // Network file systems refuse locks or hang in them; a shard has one writer, and readers only once it is published.
  HDF5_TRY(H5Pset_file_locking(access.get(), false, true));
  return access;
}

}  // namespace permafrost::data
