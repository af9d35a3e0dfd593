// A complete cache, ready to be read from any number of threads.
//
//   CacheReader cache("runs/a/cache");
//   for (int64_t i = 0; i < cache.size(); ++i)
//     if (cache.records()[i].split == "val") ClipRecord clip = cache.read(i);
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/cache/cache_index.h"
#include "data/cache/shard_reader.h"

namespace permafrost::data {

class LabelMap;

struct RecordInfo {
  std::string video_id;
  std::string label;
  int64_t label_index = 0;  // in labels()
  std::string split;
  int64_t view = 0;
  int64_t shard = 0;
  int64_t row = 0;
};

class CacheReader {
 public:
  // Opens the index and every shard; reads no pixels and no features. Throws DataError for an incomplete, damaged or
  // mixed cache, naming the file and the field; IoError.
  explicit CacheReader(const std::string& directory);

  const std::string& directory() const { return directory_; }
  const CacheKey& key() const { return index_.key; }
  const std::vector<std::string>& labels() const { return index_.labels; }
  const CacheIndex& index() const { return index_; }
  // Shard after shard, row after row.
  const std::vector<RecordInfo>& records() const { return records_; }
  int64_t size() const { return static_cast<int64_t>(records_.size()); }

  // Record `i` of records(); its features are decoded to float32 [N, t, L, C], whatever the codec. Thread-safe.
  // Throws DataError naming shard, dataset and row where a byte is wrong.
  ClipRecord read(int64_t i) const;

 private:
  void add_shard(const ShardSummary& summary, const LabelMap& labels);

  std::string directory_;
  CacheIndex index_;
  std::vector<ShardReader> shards_;
  std::vector<RecordInfo> records_;
};

}  // namespace permafrost::data
