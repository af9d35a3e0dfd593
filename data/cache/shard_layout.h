// Which datasets a shard has, where each lies in the file, and how a record becomes their bytes. Knows nothing of the
// HDF5 library.
//
//   std::vector<Field> fields = shard_fields(key);
//   std::vector<std::vector<uint8_t>> bytes = pack(record, key, *codec);   // one entry for each field
//   uint32_t crc = field_crc({.key_sha256 = hash, .unit = 7}, fields[0], row, bytes[0].data());
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/cache/cache_key.h"
#include "data/cache/clip_record.h"
#include "data/cache/codec.h"
#include "data/cache/field.h"

namespace permafrost::data {

inline constexpr char kChecksumDataset[] = "crc32c";

// The root attributes of a shard.
struct ShardHeader {
  CacheKey key;
  int64_t unit = 0;
  std::vector<RejectedVideo> rejected;
};

struct ShardLayout {
  int64_t rows = 0;
  std::vector<Field> fields;                // as shard_fields(), without crc32c
  std::map<std::string, uint64_t> offsets;  // of each dataset in the file, in bytes; crc32c too; empty where rows == 0
  uint64_t file_bytes = 0;

  // Of the checksum in row `row`, column `column`.
  uint64_t checksum_offset(int64_t row, size_t column) const;
  uint64_t record_offset(const Field& field, int64_t row) const;
};

// In the order of FORMAT.md, crc32c left out.
std::vector<Field> shard_fields(const CacheKey& key);
Field checksum_field(const std::vector<Field>& fields);

// What one record takes in a shard, checksums included; the library's own headers come to it.
uint64_t record_bytes(const CacheKey& key);

// What the codec fills.
bool is_coded(const Field& field);
// The small fields: all but these and the pixels.
bool is_metadata(const Field& field);

// The bytes of each field. Throws DataError naming the video.
std::vector<std::vector<uint8_t>> pack(const ClipRecord& record, const CacheKey& key, const Codec& codec);
// Sets the member that the small field `field` holds. Throws DataError opening with `where`.
void unpack_metadata(const Field& field, const uint8_t* bytes, const std::string& where, ClipRecord& record);

// CRC32C of "KEY_SHA256/UNIT/ROW/DATASET:", to be continued over the field's bytes; and with them.
uint32_t field_crc_seed(const std::string& key_sha256, int64_t unit, int64_t row, const Field& field);
uint32_t field_crc(const std::string& key_sha256, int64_t unit, int64_t row, const Field& field, const uint8_t* bytes);

}  // namespace permafrost::data
