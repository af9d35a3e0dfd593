// A complete cache, ready to be read from any number of threads.
//
//   CacheReader cache("runs/a/cache");
//   for (int64_t i = 0; i < cache.size(); ++i)
//     if (cache.videos()[i].split == "val") ClipRecord clip = cache.read(i, /*view=*/0);
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "data/cache/cache_index.h"
#include "data/cache/shard_copies.h"
#include "data/cache/shard_reader.h"

namespace permafrost::data {

struct IndexedVideo {
  std::string id;
  int64_t label = 0;  // in labels(), of the video as it is, not of its mirror image
  std::string split;
  int64_t views = 0;
  int64_t shard = 0;      // place in index().shards
  int64_t first_row = 0;  // of view 0; the others follow
};

class CacheReader {
 public:
  // Reads the index, and whether its shards are there; each is opened when it is first read. Throws DataError for an
  // incomplete or damaged cache; IoError.
  explicit CacheReader(const std::string& directory);
  ~CacheReader();

  const std::string& directory() const { return directory_; }
  const CacheKey& key() const { return index_.key; }
  const std::vector<std::string>& labels() const { return index_.labels; }
  const CacheIndex& index() const { return index_; }
  const Codec& codec() const { return *codec_; }
  // Shard after shard.
  const std::vector<IndexedVideo>& videos() const { return videos_; }
  int64_t size() const { return static_cast<int64_t>(videos_.size()); }
  // Records are read from `copies` where it has their shard. It must outlive the reads; nullptr: no more of it.
  void use_copies(const ShardCopies* copies) { copies_ = copies; }

  // The shard at `place` in index().shards, which has the videos of the index. Thread-safe; throws as read().
  const ShardReader& shard(int64_t place) const;
  // Video `i` of videos(); its features are decoded to float32 [N, t, L, C], whatever the codec. Thread-safe.
  // Throws DataError naming shard, dataset and row where a byte is wrong.
  ClipRecord read(int64_t i, int64_t view) const;
  // uint8 [F, 3, S, S] and codec().bytes_per_record() coded bytes, without a copy. Returns whether the frames are
  // mirrored. Thread-safe; throws as read().
  bool read_into(int64_t i, int64_t view, uint8_t* pixels, uint8_t* coded) const;

 private:
  struct LazyShard;
  void require_indexed(const ShardReader& shard, const ShardSummary& summary) const;
  int64_t row_of(int64_t i, int64_t view) const;
  // What `read` (of a shard and an open file of its bytes) gives: from a copy that is good, else from the shard.
  template <class Read>
  auto from_copy_or_shard(int64_t place, const Read& read) const;

  std::string directory_;
  CacheIndex index_;
  std::shared_ptr<const Codec> codec_;
  std::vector<IndexedVideo> videos_;
  std::vector<std::unique_ptr<LazyShard>> shards_;
  const ShardCopies* copies_ = nullptr;
};

// The codec of a cache, with its tables. Throws DataError where codec.safetensors is not the one of the key; IoError.
std::shared_ptr<const Codec> open_codec(const std::string& directory, const CacheKey& key);

}  // namespace permafrost::data
