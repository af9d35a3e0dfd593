// Where the HDF5 library is used: to lay a shard out, and to find out whether a file is one and where its datasets lie.
//
//   ShardLayout layout = create_shard_file(partial, header, rows);   // then pwrite at layout.offsets
//   ShardLayout layout = open_shard_file(path, header);              // then pread
#pragma once

#include <string>

#include "data/cache/shard_layout.h"

namespace permafrost::data {

// Makes a file of `rows` records whose bytes are all zero. Throws IoError.
ShardLayout create_shard_file(const std::string& path, const ShardHeader& header, int64_t rows);

// Fills `header` from the root attributes. Throws DataError for whatever is not as FORMAT.md has it, naming the file
// and the dataset; every size was held against the file before anything of that size is allocated. Records are not
// read.
ShardLayout open_shard_file(const std::string& path, ShardHeader& header);

}  // namespace permafrost::data
