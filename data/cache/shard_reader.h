// Reads one shard without the HDF5 library's lock: the library opens it once and says where the datasets lie; records
// are then read with pread and every byte is checked.
//
//   ShardReader shard("cache/shard-00007.h5", codec);
//   ClipRecord clip = shard.read(3);                   // from any number of threads
//   shard.read_into(3, pixels, coded);                 // without a copy, without decoding
//   shard.read_into(fd, 3, pixels, coded);             // from another file of the same bytes
//
// The file is opened for each read: a cache may have more shards than a process may have open files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "data/cache/cache_key.h"
#include "data/cache/clip_record.h"
#include "data/cache/codec.h"
#include "data/cache/shard_layout.h"
#include "data/cache/shard_summary.h"

namespace permafrost::data {

// Which clip a row holds.
struct ShardRow {
  std::string video_id;
  std::string label;  // of the clip: the mirror image's, where it is flipped
  std::string split;
  int64_t view = 0;
  uint32_t entry_crc32c = 0;
  bool flipped = false;
};

class ShardReader {
 public:
  // Checks the layout against the file and the metadata of every row. `codec`: of the cache, with its tables; without,
  // features of a codec that has tables cannot be decoded. Throws DataError naming file, dataset and row; IoError where
  // the file cannot be read.
  explicit ShardReader(std::string path, std::shared_ptr<const Codec> codec = nullptr);

  const std::string& path() const { return path_; }
  const CacheKey& key() const { return header_.key; }
  int64_t unit() const { return header_.unit; }
  uint64_t bytes() const { return layout_.file_bytes; }
  int64_t records() const { return layout_.rows; }
  const std::vector<RejectedVideo>& rejected() const { return header_.rejected; }
  const ShardRow& row(int64_t row) const { return rows_.at(row); }
  // The rows by video. Throws DataError where a video's views are not 0, 1, 2, ... in a row.
  std::vector<ShardVideo> videos() const;

  // features are decoded to float32. Throws DataError naming file, dataset and row where the checksum differs.
  ClipRecord read(int64_t row) const;
  // Pixels, and features as the codec has them (Codec::bytes_per_record() of them). Throws as read().
  void read_into(int64_t row, uint8_t* pixels, uint8_t* coded) const;
  // Both from `fd`, an open copy of the shard; complaints name the shard.
  ClipRecord read(int fd, int64_t row) const;
  void read_into(int fd, int64_t row, uint8_t* pixels, uint8_t* coded) const;
  // The bytes of each field, for copying a record into another shard. Throws as read().
  std::vector<std::vector<uint8_t>> read_packed(int64_t row) const;
  std::vector<std::vector<uint8_t>> read_packed(int fd, int64_t row) const;
  // Checks every byte of every record.
  void verify_records() const;

 private:
  void load_rows();
  void load_checksums();
  // Dataset `column` of layout_.fields; throws where the bytes are not those of the checksum.
  void read_field(int fd, size_t column, int64_t row, uint8_t* to) const;
  void check(size_t column, int64_t row, uint32_t found) const;
  void require_row(int64_t row) const;

  std::string path_;
  ShardHeader header_;
  ShardLayout layout_;
  std::shared_ptr<const Codec> codec_;
  std::string key_sha256_;
  std::vector<uint32_t> checksums_;  // [rows, datasets]
  std::vector<ShardRow> rows_;
};

}  // namespace permafrost::data
