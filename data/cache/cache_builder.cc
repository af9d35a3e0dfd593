#include "data/cache/cache_builder.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <filesystem>
#include <map>
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

// What came of one video: its records, or why there are none.
struct VideoOutcome {
  std::vector<ClipRecord> records;
  std::string reason;
  bool is_final = false;  // it was the file that the scan saw: there is no use in trying it again
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
  bool is_as_scanned = false;
  try {
    require_as_scanned((fs::path(root) / entry.path).string(), entry);
    is_as_scanned = true;
    return {clips.build(root, entry), ""};
  } catch (const core::DataError& error) {
    return {{}, error.what(), is_as_scanned};
  } catch (const core::Error& error) {
    return {{}, error.what()};
  }
}

// A shard cut by another number of videos per shard, or built from other files, holds other videos. Classes may have
// changed since: the index tells them.
void require_videos(const ShardReader& shard, const BuildUnit& unit) {
  std::set<std::string> rejected;
  for (const RejectedVideo& video : shard.rejected()) rejected.insert(video.video_id);
  const std::vector<ShardVideo> found = shard.videos();
  size_t place = 0;
  for (const ManifestEntry* entry : unit.entries) {
    if (rejected.erase(entry->id) > 0) continue;
    const bool is_same = place < found.size() && found[place].id == entry->id && found[place].split == entry->split &&
                         found[place].entry_crc32c == entry_checksum(*entry);
    if (!is_same) {
      throw core::DataError(shard.path() + ": has not video " + entry->id + " as the manifest has it: built from " +
                            "another manifest, or cut by another cache.videos_per_shard");
    }
    ++place;
  }
  if (place != found.size() || !rejected.empty()) {
    throw core::DataError(shard.path() + ": holds other videos than its unit: cut by another cache.videos_per_shard");
  }
}

}  // namespace

std::vector<const ManifestEntry*> usable_entries(const Manifest& manifest) {
  std::vector<const ManifestEntry*> entries;
  for (const ManifestEntry& entry : manifest.entries) {
    if (entry.is_ok()) entries.push_back(&entry);
  }
  if (entries.empty()) throw core::DataError("the manifest has no usable video: see its rejected ones");
  return entries;
}

std::vector<BuildUnit> cut_units(const std::vector<const ManifestEntry*>& entries, int64_t videos_per_shard,
                                 int64_t first_number) {
  std::vector<BuildUnit> units;
  for (size_t i = 0; i < entries.size(); ++i) {
    if (i % static_cast<size_t>(videos_per_shard) == 0) {
      units.push_back({first_number + static_cast<int64_t>(units.size()), {}});
    }
    units.back().entries.push_back(entries[i]);
  }
  return units;
}

std::vector<BuildUnit> units_of(const CacheIndex& index, const Manifest& manifest) {
  std::map<std::string, const ManifestEntry*> by_id;
  for (const ManifestEntry& entry : manifest.entries) by_id.emplace(entry.id, &entry);
  std::vector<BuildUnit> units;
  for (const ShardSummary& shard : index.shards) {
    BuildUnit unit{shard.unit, {}};
    const auto add = [&](const std::string& id, std::optional<uint32_t> checksum) {
      const auto found = by_id.find(id);
      if (found == by_id.end() || !found->second->is_ok() ||
          (checksum && entry_checksum(*found->second) != *checksum)) {
        throw core::DataError("video " + id +
                              " of the cache is not in the manifest as it was: give the manifest that " +
                              "the cache was built from");
      }
      unit.entries.push_back(found->second);
    };
    for (const ShardVideo& video : shard.videos) add(video.id, video.entry_crc32c);
    for (const RejectedVideo& video : shard.rejected) add(video.video_id, std::nullopt);
    std::sort(unit.entries.begin(), unit.entries.end());  // they lie in the manifest in its order
    units.push_back(std::move(unit));
  }
  return units;
}

CacheBuilder::CacheBuilder(ClipBuilder clips, std::shared_ptr<const Codec> codec, std::string root,
                           std::string directory, std::vector<BuildUnit> units, CacheBuilderOptions options)
    : clips_(std::move(clips)),
      codec_(std::move(codec)),
      root_(std::move(root)),
      directory_(std::move(directory)),
      units_(std::move(units)),
      options_(options) {}

int64_t CacheBuilder::clips(int64_t unit) const {
  int64_t count = 0;
  for (const ManifestEntry* entry : units_.at(unit).entries) count += views_of(clips_.key(), entry->split);
  return count;
}

int64_t CacheBuilder::clips() const {
  int64_t count = 0;
  for (int64_t unit = 0; unit < units(); ++unit) count += clips(unit);
  return count;
}

std::string CacheBuilder::path_of(const BuildUnit& unit) const {
  return directory_ + "/" + shard_file_name(unit.number);
}

uint64_t CacheBuilder::bytes_to_write() const {
  uint64_t bytes = 0;
  for (int64_t unit = 0; unit < units(); ++unit) {
    if (!fs::exists(path_of(units_[unit]))) bytes += record_bytes(clips_.key()) * static_cast<uint64_t>(clips(unit));
  }
  return bytes;
}

ShardSummary CacheBuilder::build_unit(int64_t unit, const std::function<void()>& get_on) const {
  const std::string path = path_of(units_.at(unit));
  if (fs::exists(path)) {
    if (std::optional<ShardSummary> finished = reuse_shard(units_[unit], path)) return *finished;
  }
  return write_shard(units_[unit], path, get_on);
}

bool CacheBuilder::has_repaired(const std::vector<RejectedVideo>& rejected) const {
  std::map<std::string, const ManifestEntry*> by_id;
  for (const BuildUnit& unit : units_) {
    for (const ManifestEntry* entry : unit.entries) by_id.emplace(entry->id, entry);
  }
  return std::any_of(rejected.begin(), rejected.end(), [&](const RejectedVideo& video) {
    const auto found = by_id.find(video.video_id);
    if (found == by_id.end() || !has_changed(video, *found->second)) return false;
    core::log_info() << found->second->path << ": was rejected, is another file or can be read now: its shard is "
                     << "built again";
    return true;
  });
}

bool CacheBuilder::has_changed(const RejectedVideo& video, const ManifestEntry& entry) const {
  if (video.entry_crc32c && *video.entry_crc32c != entry_checksum(entry)) return true;
  if (video.entry_crc32c && !options_.retry_rejected) return false;
  const VideoOutcome outcome = build_video(clips_, root_, entry);
  return outcome.reason.empty() || (outcome.is_final && !video.entry_crc32c);
}

std::optional<ShardSummary> CacheBuilder::reuse_shard(const BuildUnit& unit, const std::string& path) const {
  try {
    const ShardReader reader(path, codec_);
    if (reader.key() == clips_.key()) {
      require_videos(reader, unit);
      if (has_repaired(reader.rejected())) return std::nullopt;
      return summarize_shard(path);
    }
  } catch (const core::DataError& error) {
    core::log_warning() << "shard built again: " << error.what();
    return std::nullopt;
  }
  require_equal(clips_.key(), ShardReader(path).key(), path);
  return std::nullopt;
}

ShardSummary CacheBuilder::write_shard(const BuildUnit& unit, const std::string& path,
                                       const std::function<void()>& get_on) const {
  int64_t capacity = 0;
  for (const ManifestEntry* entry : unit.entries) capacity += views_of(clips_.key(), entry->split);
  ShardWriter writer({.path = path, .key = clips_.key(), .unit = unit.number, .capacity = capacity, .codec = codec_});
  std::vector<RejectedVideo> rejected;
  core::parallel_in_order(
      static_cast<int64_t>(unit.entries.size()), options_.threads,
      [&](int64_t i) {
        VideoOutcome outcome = build_video(clips_, root_, *unit.entries[i]);
        if (get_on) get_on();
        return outcome;
      },
      [&](int64_t i, VideoOutcome outcome) {
        const ManifestEntry& entry = *unit.entries[i];
        try {
          writer.append(outcome.records);  // all views or none
        } catch (const core::DataError& error) {
          outcome = {{}, error.what(), /*is_final=*/true};
        }
        if (outcome.reason.empty()) return;
        core::log_warning() << "rejected: " << outcome.reason;
        rejected.push_back({entry.id, entry.path, outcome.reason});
        if (outcome.is_final) rejected.back().entry_crc32c = entry_checksum(entry);
      });
  return writer.finish(rejected);
}

void remove_leftovers(const std::string& directory) {
  for (const std::string& name : names_in(directory)) {
    if (core::is_partial_name(name)) core::remove_file(directory + "/" + name);
  }
}

}  // namespace permafrost::data
