// The folder that a list's videos lie in: is this path a file there, and which files bear that name?
//
//   VideoRoot root("k400/videos", /*allow_outside=*/false);
//   if (root.has_file("train/a b.mp4")) ...
//   for (const std::string& path : root.with_stem("aaaaaaaaaaa_000001_000011")) ...
//
// Names are looked up in an index of the whole tree, made by the first call that needs it: one walk instead of many
// questions a line. Files whose names start with a dot (`._a.mp4`, which macOS leaves behind) are not there. Links are
// followed while they stay under the root, or anywhere where that is allowed.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace permafrost::data {

class VideoRoot {
 public:
  // Throws IoError where it is no folder.
  VideoRoot(std::string path, bool allow_outside);

  const std::string& path() const { return path_; }
  bool allows_outside() const { return allow_outside_; }

  // Regular files and folders at `path`, relative to the root.
  bool has_file(const std::string& path) const;
  bool has_folder(const std::string& path) const;
  // Whether `path` is, or lies behind, a link that leaves the root. Never so where that is allowed.
  bool leaves(const std::string& path) const;

  // Relative paths of videos named `stem`, with an extension of a video or none, sorted.
  const std::vector<std::string>& with_stem(const std::string& stem) const;
  // Every video, sorted.
  std::vector<std::string> videos() const;

 private:
  using Index = std::unordered_map<std::string, std::vector<std::string>>;

  const Index& index() const;
  bool folder_leaves(const std::string& folder) const;

  std::string path_;
  bool allow_outside_;
  std::string real_path_;  // without links
  mutable std::optional<Index> index_;
  mutable std::map<std::string, bool> folders_that_leave_;
};

// A file's name without its folder, and without its extension where that is one of a video; "a.b" stays "a.b".
std::string video_stem(const std::string& path);

}  // namespace permafrost::data
