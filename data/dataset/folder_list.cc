// No list at all: [split/]class/.../video under the root.
#include <algorithm>
#include <filesystem>

#include "core/base/error.h"
#include "data/dataset/list_format.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

// Of the list's folder below the root; "." where it is the root itself.
fs::path place_of(const ListInput& input) {
  const fs::path place = fs::relative(fs::canonical(input.path), fs::canonical(input.root.path()));
  if (*place.begin() == "..") {
    throw core::ConfigError(input.path + ": a folder of videos outside the root " + input.root.path() +
                            ": give another --root");
  }
  return place;
}

bool is_below(const fs::path& path, const fs::path& folder) {
  return folder == "." || std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

// `path`: below the root, `within`: below the list's folder.
ListedVideo video_of(const std::string& path, const fs::path& within, const ListInput& input) {
  ListedVideo video;
  video.source = (fs::path(input.path) / within).string();
  if (const std::string why = why_not_text(path); !why.empty()) {
    video.source = input.path;
    reject(video, "hostile path", "a file whose name " + why);
    return video;
  }
  const fs::path folders = within.parent_path();
  auto folder = folders.begin();
  const std::string split = folder == folders.end() ? "" : split_name(folder->string());
  if (!split.empty()) ++folder;
  video.id = (fs::path(path).parent_path() / video_stem(path)).string();
  video.path = path;
  video.split = split.empty() ? input.split : split;
  set_label(video, folder == folders.end() ? "" : folder->string(), input);
  return video;
}

}  // namespace

std::vector<ListedVideo> read_folder_tree(const ListInput& input) {
  std::vector<ListedVideo> videos;
  const fs::path place = place_of(input);
  for (const std::string& path : input.root.videos()) {
    if (is_below(path, place)) videos.push_back(video_of(path, fs::path(path).lexically_relative(place), input));
  }
  return videos;
}

}  // namespace permafrost::data
