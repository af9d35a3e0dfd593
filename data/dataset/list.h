// A data set's own list of videos: which file, which class, which split.
//
//   std::vector<ListedVideo> videos = read_list("k400/train.csv", {.root = "k400/videos"});
//   for (const ListedVideo& video : videos) if (!video.is_rejected()) use(video.path);
//
// Formats, and where under the root a video's file is looked for:
// - kinetics: a header with label,youtube_id,time_start,time_end[,split]. ID_SSSSSS_EEEEEE or ID, in any folder.
// - paths: `path label`, `path<TAB>label`, `path "label of words"`, `path,label[,split]` or `path,label,start,end`; or
//   by a header with path (video, file), label (class), split, start, end (start_seconds, time_start, ...). The
//   path, or the same name with another extension.
// - rawframes: `folder images label`. A folder of images.
// - ssv2: a JSON list of {"id","template"}. ID, in any folder.
// - hmdb51: a folder of CLASS_test_splitN.txt, N being the fold. The name, in any folder.
// - ucf101: trainlistNN.txt, testlistNN.txt. The path.
// - epic: EPIC_100_train.csv with the names of its classes beside it. video_id, in any folder.
// - folders: no list but a folder [split/]class/video.
//
// `auto` tells them apart by what they hold. A line that cannot be used is a rejected entry whose reason starts with
// fixed words ("bad line", "no label", "unknown label", "hostile path", "not found", "outside the root", "wrong frame
// count", "duplicate") and names LIST:LINE. DataError only where the list as a whole makes no sense, IoError where it
// cannot be read.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset/label_map.h"

namespace permafrost::data {

struct ListedVideo {
  std::string id = {};    // unique: ID_SSSSSS_EEEEEE, or the path without its extension, with the part where it has one
  std::string path = {};  // relative to the root; empty where no file was found
  std::string label = {};
  std::string split = {};                    // "train", "val" or "test"
  std::optional<double> start_seconds = {};  // the part of the file that counts, where not the whole
  std::optional<double> end_seconds = {};
  bool may_be_cut = false;  // the file may hold that part alone, its name does not say: its length will
  std::string source = {};  // "LIST:LINE"
  std::string reason = {};  // empty: usable

  bool is_rejected() const { return !reason.empty(); }
};

struct ListOptions {
  std::string root = {};        // folder of the videos
  std::string format = "auto";  // or one of list_formats()
  std::string split = {};       // of entries that do not say; empty: by the list's name, else train
  int64_t fold = 1;             // of HMDB51, which has three
  // The classes there are: others are rejected, and numbers are places in it. None: whatever the list names.
  std::optional<LabelMap> labels = {};
  // Accept absolute paths, and links that leave the root. Off: such entries are rejected.
  bool allow_outside_root = false;
};

// "auto", "kinetics", ...
const std::vector<std::string>& list_formats();

std::vector<ListedVideo> read_list(const std::string& path, const ListOptions& options);
// One after the other, in one root. A video that an earlier line lists is rejected as a duplicate.
std::vector<ListedVideo> read_lists(const std::vector<std::string>& paths, const ListOptions& options);

// "train", "val" or "test" for one of their usual spellings ("validate", "validation", "testing", "training"); empty
// for anything else.
std::string split_name(const std::string& text);

// Why `path` may not be joined to a root: absolute, has a `..` component, is empty or has control characters. Empty:
// safe.
std::string why_hostile(const std::string& path);

}  // namespace permafrost::data
