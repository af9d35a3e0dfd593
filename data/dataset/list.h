// A data set's own list of videos: which file, which class, which split.
//
//   std::vector<ListedVideo> videos = read_list("k400/train.csv", {.root = "k400/videos"});
//   for (const ListedVideo& video : videos) if (!video.is_rejected()) use(video.path);
//
// Two kinds are told apart by the first line:
// - Kinetics: a header that names the columns label, youtube_id, time_start, time_end, split (any order, others
//   ignored, fields may be quoted). The file is ID_SSSSSS_EEEEEE.mp4 (six digits each, already cut) or ID.mp4 (uncut:
//   start and end are kept), looked for in root, root/split, root/label and root/split/label.
// - paths: `path,label` (quoted fields allowed, optional header path,label[,split]) or `path label`, where the label is
//   the last word; blank lines and lines starting with # are skipped.
// A line that cannot be used is a rejected entry whose reason starts with a few fixed words ("bad line", "hostile
// path", "not found", "outside the root", "duplicate") and names file:line. DataError only where the list as a whole
// makes no sense, IoError where it cannot be read.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace permafrost::data {

struct ListedVideo {
  std::string id = {};    // unique in a list: ID_SSSSSS_EEEEEE, or the path without its extension
  std::string path = {};  // relative to the root; empty where no file was found
  std::string label = {};
  std::string split = {};                    // "train", "val" or "test"
  std::optional<double> start_seconds = {};  // of an uncut file
  std::optional<double> end_seconds = {};
  std::string source = {};  // "LIST:LINE"
  std::string reason = {};  // empty: usable

  bool is_rejected() const { return !reason.empty(); }
};

struct ListOptions {
  std::string root = {};        // folder of the videos
  std::string split = "train";  // where the list does not say
  // Accept absolute paths, and links that leave the root. Off: such entries are rejected.
  bool allow_outside_root = false;
};

std::vector<ListedVideo> read_list(const std::string& path, const ListOptions& options);

// "train", "val" or "test" for one of their usual spellings ("validate", "validation", "testing", "training"); empty
// for anything else.
std::string split_name(const std::string& text);

// Why `path` may not be joined to a root: absolute, has a `..` component, is empty or has control characters. Empty:
// safe.
std::string why_hostile(const std::string& path);

}  // namespace permafrost::data
