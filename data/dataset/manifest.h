// The manifest: every video of a data set with what was measured of it, the rejected ones with their reasons.
//
//   manifest.entries.push_back(scan_video(root, listed, options));
//   write_manifest("manifest.jsonl", manifest);
//   const Manifest manifest = read_manifest("manifest.jsonl");
//
// JSON lines (MANIFEST.md). The first is
// {"permafrost_manifest":2,"root":R,"labels":[..],"labels_sha256":H,"entries":N}, each of the N that follow one video.
// R is relative to the manifest's folder where one of the two lies inside the other, so that they can be moved
// together. Published whole or not at all; read strictly: an unknown or missing field, a wrong type, a label outside
// the map, a repeated id, a hostile path or a wrong count is a DataError that names file:line.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset/label_map.h"

namespace permafrost::data {

inline constexpr int64_t kManifestVersion = 2;

struct ManifestEntry {
  std::string id = {};
  std::string path = {};  // relative to the root
  int64_t bytes = 0;
  int64_t crc32c = 0;           // of those bytes
  double duration_seconds = 0;  // of the whole file
  int64_t frames = 0;           // of the whole file
  double frames_per_second = 0;
  int64_t width = 0;
  int64_t height = 0;
  std::string label = {};
  std::string split = {};                    // "train", "val" or "test"
  std::string status = "ok";                 // or "rejected"
  std::string reason = {};                   // of a rejected one: "KIND: detail"
  std::optional<double> start_seconds = {};  // the part of the file that counts, where not the whole
  std::optional<double> end_seconds = {};

  bool is_ok() const { return status == "ok"; }
};

struct Manifest {
  std::string root;  // after reading: usable from the working directory
  LabelMap labels;
  std::vector<ManifestEntry> entries;
};

// Throws DataError where the manifest could not be read back (a label outside the map, a repeated id), IoError.
void write_manifest(const std::string& path, const Manifest& manifest);
// `allow_outside_root`: accept absolute paths, which lists may hold where their reader was told to.
Manifest read_manifest(const std::string& path, bool allow_outside_root = false);

// The lines of entries alone, as ranks hand them to each other, and back.
std::string entries_to_text(const std::vector<ManifestEntry>& entries);
std::vector<ManifestEntry> entries_from_text(const std::string& text);

// Seconds of the part of a video that counts.
double seconds_that_count(const ManifestEntry& entry);

// Whether it is a video of its split, of use or not. Bad lines, videos without a class, duplicates and those held out
// are none.
bool is_listed(const ManifestEntry& entry);
// How many there are, by split.
std::map<std::string, int64_t> count_listed(const Manifest& manifest);

// Rejected entries counted by the kind of their reason.
std::map<std::string, int64_t> count_by_reason(const Manifest& manifest);

}  // namespace permafrost::data
