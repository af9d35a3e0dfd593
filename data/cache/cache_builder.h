// Builds the shards of a cache, unit by unit; whoever hands out the units decides who builds which.
//
//   const CacheBuilder builder(ClipBuilder(encoder, key), manifest, "cache", {.videos_per_shard = 32, .threads = 2});
//   for (int64_t unit = 0; unit < builder.units(); ++unit) outcomes.push_back(builder.build_unit(unit));
//
// A unit is so many consecutive usable videos of the manifest, with all their views: one shard. A shard that is there
// and whole is taken as it is, unless it rejects a video that can be had by now. Its bytes depend on key and manifest
// alone.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/cache/clip_builder.h"
#include "data/cache/shard_writer.h"
#include "data/dataset/manifest.h"

namespace permafrost::data {

struct UnitOutcome {
  ShardSummary summary;
  std::vector<RejectedVideo> rejected;
};

nlohmann::json to_json(const UnitOutcome& outcome);
UnitOutcome unit_outcome_from_json(const nlohmann::json& json);

struct CacheBuilderOptions {
  int64_t videos_per_shard = 32;
  int64_t threads = 1;  // each decodes and encodes a video on its own, with one compute thread
};

class CacheBuilder {
 public:
  // `manifest` must outlive it.
  CacheBuilder(ClipBuilder clips, const Manifest& manifest, std::string directory, CacheBuilderOptions options);

  int64_t units() const;
  // Records that all units make, if no video is rejected.
  int64_t clips() const;

  // Throws DataError where a shard of another key lies in its place, IoError where the disk is full. A video that
  // cannot be decoded is in the outcome's rejected list, and no other takes its place.
  UnitOutcome build_unit(int64_t unit) const;

  // Whether one of these videos, rejected before, can be had by now: its file was put back, or its disk. Tries each.
  bool has_repaired(const std::vector<RejectedVideo>& rejected) const;

 private:
  std::vector<const ManifestEntry*> entries_of(int64_t unit) const;
  // The shard that is there, or nothing where it is damaged or not of this unit. Throws DataError for another key.
  std::optional<UnitOutcome> reuse_shard(int64_t unit, const std::string& path) const;
  UnitOutcome write_shard(int64_t unit, const std::string& path) const;

  ClipBuilder clips_;
  const Manifest& manifest_;
  std::vector<const ManifestEntry*> entries_;  // usable ones, in the manifest's order
  std::string directory_;
  CacheBuilderOptions options_;
};

// Removes what killed builds left half-written. Only whoever holds the directory's lock may.
void remove_leftovers(const std::string& directory);

}  // namespace permafrost::data
