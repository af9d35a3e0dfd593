#include "data/cache/cache_reader.h"

#include <filesystem>

#include "core/base/error.h"
#include "core/base/file.h"
#include "data/dataset/label_map.h"

namespace permafrost::data {
namespace {

constexpr char kRemedy[] = ": delete it and run cache build again";

void require_same(const std::string& path, const char* what, int64_t found, int64_t expected) {
  if (found == expected) return;
  throw core::DataError(path + ": " + what + " " + std::to_string(found) + ", the index says " +
                        std::to_string(expected) + kRemedy);
}

}  // namespace

CacheReader::CacheReader(const std::string& directory) : directory_(directory), index_(read_index(directory)) {
  records_.reserve(index_.records());
  shards_.reserve(index_.shards.size());
  const LabelMap labels(index_.labels);
  for (const ShardSummary& shard : index_.shards) add_shard(shard, labels);
}

void CacheReader::add_shard(const ShardSummary& summary, const LabelMap& labels) {
  const std::string path = directory_ + "/" + summary.file;
  if (!std::filesystem::exists(path)) {
    throw core::IoError(path + ": expected the shard that the index names, found none: run cache build again");
  }
  require_same(path, "bytes", static_cast<int64_t>(core::file_bytes(path)), static_cast<int64_t>(summary.bytes));
  const ShardReader& shard = shards_.emplace_back(path);
  require_equal(index_.key, shard.key(), path);
  require_same(path, "unit", shard.unit(), summary.unit);
  require_same(path, "records", shard.records(), summary.records);
  for (int64_t row = 0; row < shard.records(); ++row) {
    const ShardRow& clip = shard.row(row);
    if (!labels.has(clip.label)) {
      throw core::DataError(path + ": record " + std::to_string(row) + ": label '" + clip.label +
                            "' is not among the index's" + kRemedy);
    }
    records_.push_back({.video_id = clip.video_id,
                        .label = clip.label,
                        .label_index = labels.index_of(clip.label),
                        .split = clip.split,
                        .view = clip.view,
                        .shard = static_cast<int64_t>(shards_.size()) - 1,
                        .row = row});
  }
}

ClipRecord CacheReader::read(int64_t i) const {
  const RecordInfo& record = records_.at(i);
  return shards_[record.shard].read(record.row);
}

}  // namespace permafrost::data
