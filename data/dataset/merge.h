// Several manifests as one: Kinetics-400, 600 and 700 as Kinetics-710 (MODEL.md), or any others.
//
//   MergeReport report;
//   const Manifest united = merge_manifests({{"k400.jsonl", k400}, {"k700.jsonl", k700}}, std::nullopt, report);
//
// - A label is renamed to its unified name (label_match.h) where that is a label of one of the manifests, or of
//   `order`.
// - A video that several list is kept once: of its entries the first that can be used. Two are the same by their id of
//   YouTube's: ID_SSSSSS_EEEEEE at the end of an id, or ID alone in a manifest whose ids look like those. Others are
//   the same by their file.
// - Training videos which a validation or test list names, usable there or not, are held out; test videos, which a
//   validation list names. Afterwards no video stands in two splits.
// - No entry is lost: what is left out stays as rejected, "duplicate", "held out" or "no class". So do further entries
//   of a video that is of no use, so that it is listed once (count_listed), in one split.
//
// The root is the folder that holds all roots. Which entries are kept depends on the order of the manifests and of
// their entries.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset/manifest.h"

namespace permafrost::data {

struct MergeSource {
  std::string name;  // in reasons: the manifest's file
  Manifest manifest;
};

struct SourceReport {
  std::string name;
  int64_t entries = 0;
  int64_t usable = 0;      // before merging
  int64_t renamed = 0;     // entries
  int64_t duplicates = 0;  // usable, and kept from elsewhere
  int64_t held_out = 0;    // usable, and named by a validation or test list
  int64_t no_class = 0;    // usable, and of a class that `order` lacks
  int64_t kept = 0;
};

struct MergeReport {
  std::vector<SourceReport> sources;
  int64_t conflicts = 0;                // videos that were listed under several labels
  std::map<std::string, int64_t> kept;  // by split
  int64_t classes = 0;
};

// `order`: the label map to use; else the sorted names. Throws ConfigError where nothing is given.
Manifest merge_manifests(const std::vector<MergeSource>& sources, const std::optional<LabelMap>& order,
                         MergeReport& report);

// What makes two entries the same video: "youtube:ID", or "file:PATH" by its place on this machine.
std::string video_identity(const Manifest& manifest, const ManifestEntry& entry);

}  // namespace permafrost::data
