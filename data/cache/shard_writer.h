// Writes one shard: there whole and verified under its name, or not at all.
//
//   ShardWriter writer({.path = "cache/shard-00007.h5", .key = key, .unit = 7, .capacity = 64});
//   for (const ClipRecord& record : clips) writer.append(record);
//   ShardSummary summary = writer.finish(rejected);   // verified, fsynced, renamed
//
// The HDF5 library lays the file out; records are then written at their offsets without it, so that only the first
// and the last moments of a shard wait for the library's lock. One thread at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "data/cache/cache_key.h"
#include "data/cache/clip_record.h"
#include "data/cache/codec.h"
#include "data/cache/shard_layout.h"
#include "data/cache/shard_summary.h"

namespace permafrost::data {

struct ShardOptions {
  std::string path;
  CacheKey key;
  int64_t unit = 0;
  int64_t capacity = 0;                          // records at most: disk space is set aside for as many
  std::shared_ptr<const Codec> codec = nullptr;  // of the key, with its tables; made from the key where it needs none
};

class ShardWriter {
 public:
  // Throws ConfigError for an impossible key, IoError where the file cannot be made.
  explicit ShardWriter(ShardOptions options);
  // Removes what was not finished.
  ~ShardWriter();
  ShardWriter(const ShardWriter&) = delete;
  ShardWriter& operator=(const ShardWriter&) = delete;

  // Throws DataError naming the video for a wrong shape, a text too long, NaN; the shard stays as it was and can take
  // further records. Throws IoError where the disk is full.
  void append(const ClipRecord& record);
  // A record as ShardReader::read_packed() gives it: of the same key, of any unit and row.
  void append_packed(const std::vector<std::vector<uint8_t>>& packed);
  // All views of a video, or none of them where one is refused.
  void append(const std::vector<ClipRecord>& records);
  int64_t records() const { return rows_; }

  // Publishes the records so far, none included; a shard that is not full, or has rejected videos, is copied once.
  // Nothing may be called after it.
  ShardSummary finish(const std::vector<RejectedVideo>& rejected = {});

 private:
  void copy_to_fit();
  void write_at(const void* data, uint64_t bytes, uint64_t offset);

  ShardOptions options_;
  std::shared_ptr<const Codec> codec_;
  ShardHeader header_;
  ShardLayout layout_;
  std::string key_sha256_;
  std::string partial_;  // empty once published
  core::FileDescriptor fd_;
  int64_t rows_ = 0;
};

// "shard-00007.h5".
std::string shard_file_name(int64_t unit);

// Reads a published shard back, every record of it: what finish() said when it was written. For a build that goes on
// after it was killed. Throws DataError, IoError.
ShardSummary summarize_shard(const std::string& path);

}  // namespace permafrost::data
