// Reads one shard without the HDF5 library's lock: the library opens it once and says where the datasets lie; records
// are then read with pread and every byte is checked.
//
//   ShardReader shard("cache/shard-00007.h5");
//   ClipRecord clip = shard.read(3);       // from any number of threads
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

namespace permafrost::data {

// Which clip a row holds.
struct ShardRow {
  std::string video_id;
  std::string label;
  std::string split;
  int64_t view = 0;
};

class ShardReader {
 public:
  // Checks the layout against the file and the metadata of every row. Throws DataError naming file, dataset and row;
  // IoError where the file cannot be read.
  explicit ShardReader(std::string path);

  const std::string& path() const { return path_; }
  const CacheKey& key() const { return header_.key; }
  int64_t unit() const { return header_.unit; }
  uint64_t bytes() const { return layout_.file_bytes; }
  int64_t records() const { return layout_.rows; }
  const std::vector<RejectedVideo>& rejected() const { return header_.rejected; }
  const ShardRow& row(int64_t row) const { return rows_.at(row); }

  // features are decoded to float32. Throws DataError naming file, dataset and row where the checksum differs.
  ClipRecord read(int64_t row) const;
  // Checks every byte of every record.
  void verify_records() const;

 private:
  void load_rows();
  // [rows, datasets], from row `row` on.
  std::vector<uint32_t> read_checksums(int fd, int64_t row, int64_t rows) const;
  // Dataset `column` of layout_.fields; throws where the bytes are not those of `checksum`.
  void read_field(int fd, size_t column, int64_t row, uint32_t checksum, uint8_t* to) const;
  void check(size_t column, int64_t row, const uint8_t* bytes, uint32_t expected) const;

  std::string path_;
  ShardHeader header_;
  ShardLayout layout_;
  std::unique_ptr<Codec> codec_;
  std::string key_sha256_;
  std::vector<ShardRow> rows_;
};

}  // namespace permafrost::data
