#include "data/cache/cache_reader.h"

#include <set>

#include "core/base/error.h"
#include "core/base/file.h"
#include "data/dataset/label_map.h"

namespace permafrost::data {
namespace {

constexpr char kRemedy[] = ": run permafrost cache verify --repair";

void require_same(const std::string& path, const char* what, int64_t found, int64_t expected) {
  if (found == expected) return;
  throw core::DataError(path + ": " + what + " " + std::to_string(found) + ", the index says " +
                        std::to_string(expected) + kRemedy);
}

}  // namespace

struct CacheReader::LazyShard {
  std::once_flag once;
  std::unique_ptr<ShardReader> reader;
};

std::shared_ptr<const Codec> open_codec(const std::string& directory, const CacheKey& key) {
  std::shared_ptr<CodecTables> tables;
  if (!key.codec.tables_sha256.empty()) {
    tables = std::make_shared<CodecTables>(read_codec_tables(directory));
    if (tables->sha256() != key.codec.tables_sha256) {
      throw core::DataError(directory + "/" + kCodecTablesFile +
                            ": damaged, or of another cache: its SHA-256 is not the one of the key: put it back, or "
                            "build the cache again");
    }
  }
  return make_codec(key.codec, key.feature_shape(), tables);
}

CacheReader::CacheReader(const std::string& directory) : directory_(directory), index_(read_index(directory)) {
  codec_ = open_codec(directory, index_.key);
  const LabelMap labels(index_.labels);
  const std::set<std::string> names = names_in(directory);
  for (const ShardSummary& shard : index_.shards) {
    if (!names.contains(shard.file)) {
      throw core::IoError(directory_ + "/" + shard.file + ": expected the shard that the index names, found none" +
                          kRemedy);
    }
    int64_t row = 0;
    for (const ShardVideo& video : shard.videos) {
      videos_.push_back({.id = video.id,
                         .label = labels.index_of(video.label),
                         .split = video.split,
                         .views = video.views,
                         .shard = static_cast<int64_t>(shards_.size()),
                         .first_row = row});
      row += video.views;
    }
    shards_.push_back(std::make_unique<LazyShard>());
  }
}

CacheReader::~CacheReader() = default;

// What the index says of videos decides what is read: a shard must say the same, labels apart.
void CacheReader::require_indexed(const ShardReader& shard, const ShardSummary& summary) const {
  require_equal(index_.key, shard.key(), shard.path());
  require_same(shard.path(), "unit", shard.unit(), summary.unit);
  require_same(shard.path(), "records", shard.records(), summary.records());
  int64_t row = 0;
  for (const ShardVideo& video : summary.videos) {
    for (int64_t view = 0; view < video.views; ++view, ++row) {
      const ShardRow& found = shard.row(row);
      if (found.video_id == video.id && found.view == view && found.split == video.split) continue;
      throw core::DataError(shard.path() + ": record " + std::to_string(row) + " is view " +
                            std::to_string(found.view) + " of " + found.video_id + ", the index says view " +
                            std::to_string(view) + " of " + video.id + kRemedy);
    }
  }
}

const ShardReader& CacheReader::shard(int64_t place) const {
  LazyShard& lazy = *shards_[place];
  std::call_once(lazy.once, [&] {  // what it throws leaves the flag as it was
    const ShardSummary& summary = index_.shards[place];
    const std::string path = directory_ + "/" + summary.file;
    require_same(path, "bytes", static_cast<int64_t>(core::file_bytes(path)), static_cast<int64_t>(summary.bytes));
    auto reader = std::make_unique<ShardReader>(path, codec_);
    require_indexed(*reader, summary);
    lazy.reader = std::move(reader);
  });
  return *lazy.reader;
}

int64_t CacheReader::row_of(int64_t i, int64_t view) const {
  const IndexedVideo& video = videos_.at(i);
  PERMAFROST_CHECK(view >= 0 && view < video.views,
                   directory_ + ": no view " + std::to_string(view) + " of " + video.id);
  return video.first_row + view;
}

template <class Read>
auto CacheReader::from_copy_or_shard(int64_t place, const Read& read) const {
  const ShardReader& reader = shard(place);
  if (const core::FileDescriptor copy = copies_ ? copies_->open(place) : core::FileDescriptor(); copy.is_valid()) {
    try {
      return read(reader, copy.get());
    } catch (const core::Error&) {
      copies_->reject(place);
    }
  }
  return read(reader, core::open_for_reading(reader.path()).get());
}

ClipRecord CacheReader::read(int64_t i, int64_t view) const {
  const int64_t row = row_of(i, view);
  return from_copy_or_shard(videos_.at(i).shard,
                            [&](const ShardReader& reader, int fd) { return reader.read(fd, row); });
}

bool CacheReader::read_into(int64_t i, int64_t view, uint8_t* pixels, uint8_t* coded) const {
  const int64_t row = row_of(i, view);
  return from_copy_or_shard(videos_.at(i).shard, [&](const ShardReader& reader, int fd) {
    reader.read_into(fd, row, pixels, coded);
    return reader.row(row).flipped;
  });
}

}  // namespace permafrost::data
