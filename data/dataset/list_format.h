// What the readers of the single kinds of lists share. Internal to data/dataset; list.h is the door.
//
// A reader gets the lines and gives an entry for each that lists a video. A line that cannot be used is an entry too,
// rejected with a reason that starts with fixed words and names where the line stands.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset/list.h"
#include "data/dataset/video_root.h"

namespace permafrost::data {

struct ListInput {
  std::string path;
  std::vector<std::string> lines;  // empty where the list is a folder
  const ListOptions& options;
  const VideoRoot& root;
  std::string split;                                               // of entries that do not say
  mutable std::map<std::string, std::string> nearest_labels = {};  // of unknown ones, as searched for so far

  std::string source(size_t line) const { return path + ":" + std::to_string(line + 1); }
};

using ListReader = std::vector<ListedVideo> (*)(const ListInput&);

std::vector<ListedVideo> read_kinetics_list(const ListInput& input);
std::vector<ListedVideo> read_path_list(const ListInput& input);
std::vector<ListedVideo> read_frame_folder_list(const ListInput& input);
std::vector<ListedVideo> read_ssv2_list(const ListInput& input);
std::vector<ListedVideo> read_hmdb51_splits(const ListInput& input);
std::vector<ListedVideo> read_ucf101_split(const ListInput& input);
std::vector<ListedVideo> read_epic_list(const ListInput& input);
std::vector<ListedVideo> read_folder_tree(const ListInput& input);

// Sets the reason, "KIND: LIST:LINE: detail", unless there is one already.
void reject(ListedVideo& video, const std::string& kind, const std::string& detail);

// The line as an entry that says only why it cannot be used.
ListedVideo bad_line(const std::string& source, const std::string& detail);

// Why a line cannot even be quoted in a message or a manifest: too long, a control character, not UTF-8. Empty where
// it can.
std::string why_not_text(const std::string& line);

// Seconds, or [HH:]MM:SS with fractions. Empty where `text` is neither.
std::optional<double> seconds_of(const std::string& text);

// "_000001_000011", with milliseconds where a time has them.
std::string part_suffix(double start, double end);

// Sets the label, or rejects "no label" or "bad line". A whole number becomes the name at that place of options.labels,
// where those are given and have no such name.
void set_label(ListedVideo& video, const std::string& label, const ListInput& input);

// Finds the file of a path as a list writes it: itself, or in the same folder with another extension or none. Rejects
// "hostile path", "not found", "outside the root".
void find_by_path(ListedVideo& video, const std::string& path, const ListInput& input);

// Finds the file by its name alone, anywhere under the root: of several, one in folders named after the split and the
// label, else the first in order of their paths. `stems` in order of preference. Returns the place in `stems` of the
// one found.
std::optional<size_t> find_by_stem(ListedVideo& video, const std::vector<std::string>& stems, const ListInput& input);

}  // namespace permafrost::data
