#include "data/dataset/video_root.h"

#include <algorithm>
#include <array>
#include <filesystem>
#include <set>

#include "core/base/error.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

constexpr std::array kExtensions = {".mp4", ".mkv", ".webm", ".avi", ".mov", ".m4v", ".mpg", ".mpeg", ".ts",
                                    ".flv", ".ogv", ".ogg",  ".3gp", ".wmv", ".asf", ".vob", ".mts",  ".m2ts"};

bool is_video_extension(std::string extension) {
  std::transform(extension.begin(), extension.end(), extension.begin(), ::tolower);
  return std::find(kExtensions.begin(), kExtensions.end(), extension) != kExtensions.end();
}

bool is_hidden(const fs::path& path) { return path.filename().string().starts_with('.'); }

bool is_inside(const fs::path& path, const fs::path& folder) {
  return std::mismatch(folder.begin(), folder.end(), path.begin(), path.end()).first == folder.end();
}

// A walk that links cannot trap: each folder is entered once, whatever name it goes by.
class Walk {
 public:
  Walk(const VideoRoot& root, const fs::path& real_root) : root_(root), real_root_(real_root) {}

  template <class Visit>
  void each_video(const std::string& folder, Visit visit) {
    std::error_code error;
    const fs::path here = fs::path(root_.path()) / folder;
    if (!entered_.insert(fs::canonical(here, error).string()).second || error) return;
    std::vector<fs::directory_entry> entries;
    for (const fs::directory_entry& entry : fs::directory_iterator(here, error)) entries.push_back(entry);
    std::sort(entries.begin(), entries.end());
    for (const fs::directory_entry& entry : entries) {
      if (is_hidden(entry.path()) || (entry.is_symlink(error) && leaves(entry.path()))) continue;
      const std::string path = (fs::path(folder) / entry.path().filename()).string();
      if (entry.is_directory(error)) {
        each_video(path, visit);
      } else if (entry.is_regular_file(error) && is_named_like_a_video(entry.path())) {
        visit(path);
      }
    }
  }

 private:
  static bool is_named_like_a_video(const fs::path& path) {
    return path.extension().empty() || is_video_extension(path.extension().string());
  }

  bool leaves(const fs::path& path) const {
    if (root_.allows_outside()) return false;
    std::error_code error;
    const fs::path real = fs::canonical(path, error);
    return error || !is_inside(real, real_root_);
  }

  const VideoRoot& root_;
  fs::path real_root_;
  std::set<std::string> entered_;
};

}  // namespace

VideoRoot::VideoRoot(std::string path, bool allow_outside)
    : path_(path.empty() ? "." : std::move(path)), allow_outside_(allow_outside) {
  std::error_code error;
  real_path_ = fs::canonical(path_, error).string();
  if (error || !fs::is_directory(real_path_)) {
    throw core::IoError(path_ + ": expected the folder of the videos, found " + (error ? error.message() : "a file") +
                        ": give another --root");
  }
}

bool VideoRoot::has_file(const std::string& path) const {
  std::error_code error;
  return fs::is_regular_file(fs::path(path_) / path, error);
}

bool VideoRoot::has_folder(const std::string& path) const {
  std::error_code error;
  return fs::is_directory(fs::path(path_) / path, error);
}

bool VideoRoot::folder_leaves(const std::string& folder) const {
  const auto [at, is_new] = folders_that_leave_.emplace(folder, true);
  if (is_new) {
    std::error_code error;
    const fs::path real = fs::canonical(fs::path(path_) / folder, error);
    at->second = error || !is_inside(real, real_path_);
  }
  return at->second;
}

// Folders are asked once; a file only where it is a link itself.
bool VideoRoot::leaves(const std::string& path) const {
  if (allow_outside_) return false;
  if (folder_leaves(fs::path(path).parent_path().string())) return true;
  std::error_code error;
  const fs::path file = fs::path(path_) / path;
  if (!fs::is_symlink(file, error)) return false;
  const fs::path real = fs::canonical(file, error);
  return error || !is_inside(real, real_path_);
}

const VideoRoot::Index& VideoRoot::index() const {
  if (!index_) {
    index_.emplace();
    Walk(*this, real_path_).each_video("", [&](const std::string& path) {
      (*index_)[video_stem(path)].push_back(path);
    });
    for (auto& [stem, paths] : *index_) std::sort(paths.begin(), paths.end());
  }
  return *index_;
}

const std::vector<std::string>& VideoRoot::with_stem(const std::string& stem) const {
  static const std::vector<std::string> kNone;
  const auto at = index().find(stem);
  return at == index().end() ? kNone : at->second;
}

std::vector<std::string> VideoRoot::videos() const {
  std::vector<std::string> paths;
  for (const auto& [stem, some] : index()) paths.insert(paths.end(), some.begin(), some.end());
  std::sort(paths.begin(), paths.end());
  return paths;
}

std::string video_stem(const std::string& path) {
  const fs::path name = fs::path(path).filename();
  return is_video_extension(name.extension().string()) ? name.stem().string() : name.string();
}

}  // namespace permafrost::data
