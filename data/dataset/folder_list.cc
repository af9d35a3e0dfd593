// No list at all: [split/]class/.../video under the root.
#include <filesystem>

#include "data/dataset/list_format.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

ListedVideo video_of(const std::string& path, const ListInput& input) {
  ListedVideo video;
  video.source = input.path + "/" + path;
  if (const std::string why = why_not_text(path); !why.empty()) {
    video.source = input.path;
    reject(video, "hostile path", "a file whose name " + why);
    return video;
  }
  const fs::path folders = fs::path(path).parent_path();
  auto folder = folders.begin();
  const std::string split = folder == folders.end() ? "" : split_name(folder->string());
  if (!split.empty()) ++folder;
  video.id = (folders / video_stem(path)).string();
  video.path = path;
  video.split = split.empty() ? input.split : split;
  set_label(video, folder == folders.end() ? "" : folder->string(), input);
  return video;
}

}  // namespace

std::vector<ListedVideo> read_folder_tree(const ListInput& input) {
  std::vector<ListedVideo> videos;
  for (const std::string& path : input.root.videos()) videos.push_back(video_of(path, input));
  return videos;
}

}  // namespace permafrost::data
