#include "data/cache/change_cache.h"

#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>

#include "core/base/error.h"
#include "core/base/log.h"
#include "data/cache/shard_writer.h"

namespace permafrost::data {
namespace {

bool holds_any(const ShardSummary& shard, const std::set<std::string>& ids) {
  const auto is_meant = [&](const auto& id) { return ids.contains(id); };
  return std::any_of(shard.videos.begin(), shard.videos.end(), [&](const ShardVideo& v) { return is_meant(v.id); }) ||
         std::any_of(shard.rejected.begin(), shard.rejected.end(),
                     [&](const RejectedVideo& v) { return is_meant(v.video_id); });
}

void require_known(const std::string& directory, const CacheIndex& index, std::set<std::string> ids) {
  const std::set<std::string> known = index.ids();
  std::erase_if(ids, [&](const std::string& id) { return known.contains(id) || index.removed.contains(id); });
  if (ids.empty()) return;
  throw core::DataError(directory + ": has no video '" + *ids.begin() + "'" +
                        (ids.size() > 1 ? " and " + std::to_string(ids.size() - 1) + " more of those named" : "") +
                        ": ids are those of the manifest; nothing was removed");
}

// Writes the shard anew without the videos; the summary is that of the new file, with the index's labels.
ShardSummary without(const std::string& path, const CacheIndex& index, const std::set<std::string>& ids,
                     Removal& removal) {
  const ShardReader shard(path);
  require_equal(index.key, shard.key(), path);
  std::vector<int64_t> kept;
  for (int64_t row = 0; row < shard.records(); ++row) {
    if (!ids.contains(shard.row(row).video_id)) kept.push_back(row);
  }
  std::vector<RejectedVideo> rejected = shard.rejected();
  std::erase_if(rejected, [&](const RejectedVideo& video) { return ids.contains(video.video_id); });
  removal.records += shard.records() - static_cast<int64_t>(kept.size());
  ++removal.shards;
  ShardWriter writer({.path = path,
                      .key = shard.key(),
                      .unit = shard.unit(),
                      .capacity = static_cast<int64_t>(kept.size()),
                      .codec = nullptr});
  for (const int64_t row : kept) writer.append_packed(shard.read_packed(row));
  return writer.finish(rejected);
}

// The index as it will be; its shards' checksums are still the old ones.
CacheIndex planned_without(CacheIndex index, const std::set<std::string>& ids) {
  for (ShardSummary& shard : index.shards) {
    std::erase_if(shard.videos, [&](const ShardVideo& video) { return ids.contains(video.id); });
    std::erase_if(shard.rejected, [&](const RejectedVideo& video) { return ids.contains(video.video_id); });
  }
  index.removed.insert(ids.begin(), ids.end());
  return index;
}

// The shard that is there, if it is whole and what is wanted.
std::optional<ShardSummary> reuse_recoded(const ShardReader& from, const CacheKey& key, const std::string& path) {
  if (!std::filesystem::exists(path)) return std::nullopt;
  try {
    const ShardReader found(path);
    if (found.key() == key && found.unit() == from.unit() && found.videos() == from.videos()) {
      return summarize_shard(path);
    }
  } catch (const core::DataError& error) {
    core::log_warning() << "shard made again: " << error.what();
  }
  return std::nullopt;
}

}  // namespace

Removal remove_videos(const std::string& directory, const std::set<std::string>& ids) {
  const std::optional<FoundIndex> found_index = find_index(directory);
  if (!found_index) throw core::DataError(directory + ": expected a cache, found none that is whole: build it first");
  const bool is_resumed = !found_index->is_published;
  const CacheIndex& before = found_index->index;
  require_known(directory, before, ids);
  CacheIndex index = planned_without(before, ids);
  take_index_away(directory, index);  // from here on, whoever goes on after a kill leaves them out
  Removal removal;
  for (size_t i = 0; i < index.shards.size(); ++i) {
    ShardSummary& shard = index.shards[i];
    const std::string path = directory + "/" + shard.file;
    // A removal that was killed has written some anew and not others: the files tell.
    const ShardSummary found = is_resumed ? summarize_shard(path) : before.shards[i];
    const bool is_affected = holds_any(found, index.removed);
    if (!is_affected && !is_resumed) continue;
    ShardSummary changed = is_affected ? without(path, index, index.removed, removal) : found;
    changed.videos = shard.videos;  // with the labels of now
    shard = std::move(changed);
  }
  for (const std::string& id : ids) removal.videos += before.removed.contains(id) ? 0 : 1;
  write_index(directory, index);
  return removal;
}

int64_t relabel(const std::string& directory, const Manifest& manifest) {
  CacheIndex index = read_index(directory);
  std::map<std::string, std::string> labels;
  for (const ManifestEntry& entry : manifest.entries) labels.emplace(entry.id, entry.label);
  int64_t changed = 0;
  for (ShardSummary& shard : index.shards) {
    for (ShardVideo& video : shard.videos) {
      const auto found = labels.find(video.id);
      if (found == labels.end() || !manifest.labels.has(found->second)) {
        throw core::DataError("video " + video.id + " of " + directory +
                              " has no class in the manifest: give one that names every video of the cache");
      }
      changed += video.label == found->second ? 0 : 1;
      video.label = found->second;
    }
  }
  index.labels = manifest.labels.names();
  write_index(directory, index);
  return changed;
}

ShardSummary recode_shard(const ShardReader& from, const CacheKey& key, std::shared_ptr<const Codec> codec,
                          const std::string& path) {
  if (const std::optional<ShardSummary> finished = reuse_recoded(from, key, path)) return *finished;
  ShardWriter writer({.path = path, .key = key, .unit = from.unit(), .capacity = from.records(), .codec = codec});
  for (int64_t row = 0; row < from.records(); ++row) writer.append(from.read(row));
  return writer.finish(from.rejected());
}

}  // namespace permafrost::data
