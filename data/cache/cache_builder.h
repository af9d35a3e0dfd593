// Builds the shards of a cache, unit by unit; whoever hands out the units decides who builds which.
//
//   const CacheBuilder builder(ClipBuilder(encoder, key), codec, manifest.root, "cache",
//                              cut_units(usable_entries(manifest), 32), {.threads = 2});
//   for (int64_t unit = 0; unit < builder.units(); ++unit) summaries.push_back(builder.build_unit(unit));
//
// A unit is some videos of the manifest, with all their views: one shard. A shard that is there and whole is taken as
// it is, unless it rejects a video of which something else would be said now. Its bytes depend on key and manifest
// alone.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/cache/cache_index.h"
#include "data/cache/clip_builder.h"
#include "data/cache/shard_writer.h"
#include "data/dataset/manifest.h"

namespace permafrost::data {

// One shard's videos.
struct BuildUnit {
  int64_t number = 0;  // of its file
  std::vector<const ManifestEntry*> entries;
};

// In the manifest's order. Throws DataError where there is none.
std::vector<const ManifestEntry*> usable_entries(const Manifest& manifest);
// So many consecutive entries each, numbered from `first_number` on.
std::vector<BuildUnit> cut_units(const std::vector<const ManifestEntry*>& entries, int64_t videos_per_shard,
                                 int64_t first_number = 0);
// The units of an index, rejected videos included, so that a lost shard is built as it was. Throws DataError where the
// manifest has not all of their videos as they were.
std::vector<BuildUnit> units_of(const CacheIndex& index, const Manifest& manifest);

struct CacheBuilderOptions {
  int64_t threads = 1;          // each decodes and encodes a video on its own, with one compute thread
  bool retry_rejected = false;  // also those whose files were the ones that the manifest names, and gave nothing
};

class CacheBuilder {
 public:
  // The entries of `units` must outlive it. `codec`: of the key, with its tables.
  CacheBuilder(ClipBuilder clips, std::shared_ptr<const Codec> codec, std::string root, std::string directory,
               std::vector<BuildUnit> units, CacheBuilderOptions options);

  int64_t units() const { return static_cast<int64_t>(units_.size()); }
  // Records that a unit makes, or all of them, if no video is rejected.
  int64_t clips(int64_t unit) const;
  int64_t clips() const;
  // What they take on the disk, less what is there already.
  uint64_t bytes_to_write() const;

  // Throws DataError where a shard of another key lies in its place, IoError where the disk is full. A video that
  // cannot be decoded is in the summary's rejected list, and no other takes its place. `get_on` is called after each
  // video, from any of the threads.
  ShardSummary build_unit(int64_t unit, const std::function<void()>& get_on = {}) const;

  // Whether a build would say something else of one of these videos, rejected before: its file was put back, or its
  // disk, or the manifest names another file. Tries each, but for those whose file was the one that the manifest names
  // now, unless retry_rejected.
  bool has_repaired(const std::vector<RejectedVideo>& rejected) const;

 private:
  // The shard that is there, or nothing where it is damaged or not of this unit. Throws DataError for another key.
  std::optional<ShardSummary> reuse_shard(const BuildUnit& unit, const std::string& path) const;
  ShardSummary write_shard(const BuildUnit& unit, const std::string& path, const std::function<void()>& get_on) const;
  std::string path_of(const BuildUnit& unit) const;
  bool has_changed(const RejectedVideo& video, const ManifestEntry& entry) const;

  ClipBuilder clips_;
  std::shared_ptr<const Codec> codec_;
  std::string root_, directory_;
  std::vector<BuildUnit> units_;
  CacheBuilderOptions options_;
};

// Removes what killed builds left half-written. Only whoever holds the directory's lock may.
void remove_leftovers(const std::string& directory);

}  // namespace permafrost::data
