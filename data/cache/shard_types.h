// How the fields of a shard look to HDF5. Callers hold the lock.
//
//   Hdf5Datatype type = hdf5_type(field);
//   Hdf5Dataspace space = hdf5_space(field, rows);
#pragma once

#include "data/cache/field.h"
#include "data/cache/hdf5_handle.h"

namespace permafrost::data {

// f16 and bf16 are float types of HDF5 with the right fields, so that h5py shows the first as float16.
Hdf5Datatype hdf5_type(const Field& field);
Hdf5Datatype hdf5_text_type(size_t bytes);

// [rows, shape of a record].
std::vector<hsize_t> hdf5_dimensions(const Field& field, int64_t rows);

// Both ways 1.10, whose metadata carry checksums; large datasets on pages.
Hdf5Properties hdf5_file_access();

}  // namespace permafrost::data
