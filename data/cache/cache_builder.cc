#include "data/cache/cache_builder.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <set>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/log.h"
#include "core/base/parallel.h"
#include "data/cache/shard_reader.h"
#include "data/dataset/scan.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// What came of one video: its records, or why there are none.
struct VideoOutcome {
  std::vector<ClipRecord> records;
  std::string reason;
};

// The key names the files by what the scan found, so another file in a video's place must not pass for it.
void require_as_scanned(const std::string& path, const ManifestEntry& entry) {
  const std::string remedy = ": put that file back, or scan the data set again";
  if (const int64_t bytes = content_bytes(path); bytes != entry.bytes) {
    throw core::DataError(path + ": expected the " + std::to_string(entry.bytes) + " bytes of the scan, found " +
                          std::to_string(bytes) + remedy);
  }
  if (content_checksum(path) != entry.crc32c) {
    throw core::DataError(path + ": its content is not that of the scan, though as long" + remedy);
  }
}

VideoOutcome build_video(const ClipBuilder& clips, const std::string& root, const ManifestEntry& entry) {
  at::set_num_threads(1);  // of this worker: as many workers as cores beat one team, and keep bits independent of it
  try {
    require_as_scanned((fs::path(root) / entry.path).string(), entry);
    return {clips.build(root, entry), ""};
  } catch (const core::Error& error) {
    return {{}, error.what()};
  }
}

// A shard cut by another number of videos per shard holds other videos.
void require_videos(const ShardReader& reader, const std::vector<const ManifestEntry*>& entries) {
  std::set<std::string> expected, found;
  for (const ManifestEntry* entry : entries) expected.insert(entry->id);
  for (int64_t row = 0; row < reader.records(); ++row) found.insert(reader.row(row).video_id);
  for (const RejectedVideo& video : reader.rejected()) found.insert(video.video_id);
  if (found != expected) {
    throw core::DataError(reader.path() + ": holds other videos than its unit: cut by another cache.videos_per_shard");
  }
}

}  // namespace

json to_json(const UnitOutcome& outcome) {
  json rejected = json::array();
  for (const RejectedVideo& video : outcome.rejected) rejected.push_back({video.video_id, video.path, video.reason});
  const ShardSummary& shard = outcome.summary;
  return {{"file", shard.file},     {"unit", shard.unit},       {"bytes", shard.bytes},
          {"crc32c", shard.crc32c}, {"records", shard.records}, {"rejected", rejected}};
}

UnitOutcome unit_outcome_from_json(const json& value) {
  UnitOutcome outcome{{value.at("file"), value.at("unit"), value.at("bytes"), value.at("crc32c"), value.at("records")},
                      {}};
  for (const json& video : value.at("rejected")) outcome.rejected.push_back({video[0], video[1], video[2]});
  return outcome;
}

CacheBuilder::CacheBuilder(ClipBuilder clips, const Manifest& manifest, std::string directory,
                           CacheBuilderOptions options)
    : clips_(std::move(clips)), manifest_(manifest), directory_(std::move(directory)), options_(options) {
  for (const ManifestEntry& entry : manifest.entries) {
    if (entry.is_ok()) entries_.push_back(&entry);
  }
  if (entries_.empty()) throw core::DataError("the manifest has no usable video: see its rejected ones");
}

int64_t CacheBuilder::units() const {
  return (static_cast<int64_t>(entries_.size()) + options_.videos_per_shard - 1) / options_.videos_per_shard;
}

int64_t CacheBuilder::clips() const {
  int64_t count = 0;
  for (const ManifestEntry* entry : entries_) count += views_of(clips_.key(), entry->split);
  return count;
}

UnitOutcome CacheBuilder::build_unit(int64_t unit) const {
  const std::string path = directory_ + "/" + shard_file_name(unit);
  if (fs::exists(path)) {
    if (std::optional<UnitOutcome> finished = reuse_shard(unit, path)) return *finished;
  }
  return write_shard(unit, path);
}

std::vector<const ManifestEntry*> CacheBuilder::entries_of(int64_t unit) const {
  const int64_t first = unit * options_.videos_per_shard;
  const int64_t end = std::min(first + options_.videos_per_shard, static_cast<int64_t>(entries_.size()));
  return {entries_.begin() + first, entries_.begin() + end};
}

bool CacheBuilder::has_repaired(const std::vector<RejectedVideo>& rejected) const {
  return std::any_of(rejected.begin(), rejected.end(), [&](const RejectedVideo& video) {
    const auto entry = std::find_if(entries_.begin(), entries_.end(),
                                    [&](const ManifestEntry* one) { return one->id == video.video_id; });
    if (entry == entries_.end() || !build_video(clips_, manifest_.root, **entry).reason.empty()) return false;
    core::log_info() << (*entry)->path << ": was rejected, decodes now: its shard is built again";
    return true;
  });
}

std::optional<UnitOutcome> CacheBuilder::reuse_shard(int64_t unit, const std::string& path) const {
  try {
    const ShardReader reader(path);
    if (reader.key() == clips_.key()) {
      require_videos(reader, entries_of(unit));
      if (has_repaired(reader.rejected())) return std::nullopt;
      return UnitOutcome{summarize_shard(path), reader.rejected()};
    }
  } catch (const core::DataError& error) {
    core::log_warning() << "shard built again: " << error.what();
    return std::nullopt;
  }
  require_equal(clips_.key(), ShardReader(path).key(), path);
  return std::nullopt;
}

UnitOutcome CacheBuilder::write_shard(int64_t unit, const std::string& path) const {
  const std::vector<const ManifestEntry*> entries = entries_of(unit);
  int64_t capacity = 0;
  for (const ManifestEntry* entry : entries) capacity += views_of(clips_.key(), entry->split);
  ShardWriter writer({.path = path, .key = clips_.key(), .unit = unit, .capacity = capacity});
  std::vector<RejectedVideo> rejected;
  core::parallel_in_order(
      static_cast<int64_t>(entries.size()), options_.threads,
      [&](int64_t i) { return build_video(clips_, manifest_.root, *entries[i]); },
      [&](int64_t i, VideoOutcome outcome) {
        const ManifestEntry& entry = *entries[i];
        try {
          writer.append(outcome.records);  // all views or none
        } catch (const core::DataError& error) {
          outcome.reason = error.what();
        }
        if (outcome.reason.empty()) return;
        core::log_warning() << "rejected: " << outcome.reason;
        rejected.push_back({entry.id, entry.path, outcome.reason});
      });
  return {writer.finish(rejected), rejected};
}

void remove_leftovers(const std::string& directory) {
  for (const auto& entry : fs::directory_iterator(directory)) {
    if (entry.path().filename().string().find(".partial-") != std::string::npos) fs::remove(entry.path());
  }
}

}  // namespace permafrost::data
