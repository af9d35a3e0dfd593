#include "data/dataset/list.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <map>
#include <unordered_map>

#include "core/base/error.h"
#include "core/base/file.h"
#include "data/dataset/csv.h"
#include "data/dataset/list_format.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostListBytes = uint64_t{4} << 30;

const std::map<std::string, ListReader>& readers() {
  static const std::map<std::string, ListReader> kReaders{
      {"kinetics", &read_kinetics_list}, {"paths", &read_path_list},      {"rawframes", &read_frame_folder_list},
      {"ssv2", &read_ssv2_list},         {"hmdb51", &read_hmdb51_splits}, {"ucf101", &read_ucf101_split},
      {"epic", &read_epic_list},         {"folders", &read_folder_tree}};
  return kReaders;
}

// The words of a file's name in lower case: "something-something-v2-train.json" -> something, something, v, train,
// json.
std::vector<std::string> words_of(const std::string& path) {
  std::vector<std::string> words(1);
  for (const unsigned char c : fs::path(path).filename().string()) {
    if (std::isalpha(c)) {
      words.back() += static_cast<char>(std::tolower(c));
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  return words;
}

std::string split_of_name(const std::string& path) {
  for (std::string word : words_of(path)) {
    if (word.ends_with("list")) word.resize(word.size() - 4);
    if (const std::string split = split_name(word); !split.empty()) return split;
  }
  return "train";
}

bool is_ucf101_name(const std::string& path) {
  const std::string name = fs::path(path).filename().string();
  return name.starts_with("trainlist") || name.starts_with("testlist");
}

bool has_hmdb51_splits(const std::string& folder) {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const std::string name = entry.path().filename().string();
    if (name.ends_with(".txt") && name.find("_test_split") != std::string::npos) return true;
  }
  return false;
}

// `folder images label`, and there is such a folder.
bool is_frame_folder_line(const std::string& line, const VideoRoot& root) {
  const size_t last = line.find_last_of(" \t");
  if (last == std::string::npos || last == 0) return false;
  const size_t first = line.find_last_of(" \t", last - 1);
  if (first == std::string::npos) return false;
  const std::string count = line.substr(first + 1, last - first - 1);
  const bool is_count = !count.empty() && std::all_of(count.begin(), count.end(), ::isdigit);
  const std::string folder = trimmed(line.substr(0, first));
  return is_count && why_hostile(folder).empty() && root.has_folder(folder);
}

std::string first_line(const std::vector<std::string>& lines) {
  for (const std::string& line : lines) {
    const std::string text = trimmed(line);
    if (!text.empty() && text.front() != '#') return text;
  }
  return "";
}

std::string format_of(const std::string& path, const std::vector<std::string>& lines, const VideoRoot& root) {
  if (fs::is_directory(path)) return has_hmdb51_splits(path) ? "hmdb51" : "folders";
  const std::string first = first_line(lines);
  const CsvColumns columns(first);
  if (columns.has("youtube_id")) return "kinetics";
  if (columns.has("narration_id")) return "epic";
  if (first.starts_with('[')) return "ssv2";
  if (is_ucf101_name(path)) return "ucf101";
  const size_t looked_at = std::min<size_t>(lines.size(), 100);
  const bool has_folders =
      std::any_of(lines.begin(), lines.begin() + static_cast<std::ptrdiff_t>(looked_at),
                  [&](const std::string& line) { return is_frame_folder_line(trimmed(line), root); });
  return has_folders ? "rawframes" : "paths";
}

std::vector<ListedVideo> read_one(const std::string& path, const ListOptions& options, const VideoRoot& root) {
  ListInput input{path, {}, options, root, options.split.empty() ? split_of_name(path) : split_name(options.split)};
  if (input.split.empty()) {
    throw core::ConfigError("split '" + options.split + "': expected train, val or test");
  }
  const bool is_folder = fs::is_directory(path);
  if (!is_folder) input.lines = lines_of(core::read_text(path, kMostListBytes));
  const std::string format = options.format == "auto" ? format_of(path, input.lines, root) : options.format;
  const auto reader = readers().find(format);
  if (reader == readers().end()) throw core::ConfigError("list-format '" + format + "' is none that we know");
  if (is_folder != (format == "hmdb51" || format == "folders")) {
    throw core::ConfigError(path + ": a list of format " + format + " is a " + (is_folder ? "file" : "folder"));
  }
  std::vector<ListedVideo> videos = reader->second(input);
  if (videos.empty()) throw core::DataError(path + ": lists no video, expected some as " + format);
  return videos;
}

// What an evaluation needs stays there: a validation line beats one of test, and that one of training.
int rank_of(const std::string& split) { return split == "val" ? 0 : split == "test" ? 1 : 2; }

// Of several lines for one video one stands, else the first. Of rejected ones only the id is known: they take no part.
void reject_duplicates(std::vector<ListedVideo>& videos) {
  std::unordered_map<std::string, const ListedVideo*> standing;
  for (const ListedVideo& video : videos) {
    if (video.is_rejected()) continue;
    const auto [at, is_new] = standing.emplace(video.id, &video);
    if (!is_new && rank_of(video.split) < rank_of(at->second->split)) at->second = &video;
  }
  for (ListedVideo& video : videos) {
    if (video.is_rejected() || standing.at(video.id) == &video) continue;
    const ListedVideo& other = *standing.at(video.id);
    const std::string where = "'" + video.id + "' is listed at " + other.source;
    if (other.split == video.split) {
      reject(video, "duplicate", where + " already");
    } else {
      reject(video, "held out", where + " for the split " + other.split);
    }
  }
}

}  // namespace

const std::vector<std::string>& list_formats() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names{"auto"};
    for (const auto& [name, reader] : readers()) names.push_back(name);
    return names;
  }();
  return kNames;
}

std::vector<ListedVideo> read_list(const std::string& path, const ListOptions& options) {
  return read_lists({path}, options);
}

std::vector<ListedVideo> read_lists(const std::vector<std::string>& paths, const ListOptions& options) {
  const VideoRoot root(options.root, options.allow_outside_root);
  std::vector<ListedVideo> videos;
  for (const std::string& path : paths) {
    std::vector<ListedVideo> some = read_one(path, options, root);
    std::move(some.begin(), some.end(), std::back_inserter(videos));
  }
  reject_duplicates(videos);
  return videos;
}

std::string split_name(const std::string& text) {
  static const std::map<std::string, std::string> names = {
      {"train", "train"},  {"training", "train"}, {"val", "val"},   {"valid", "val"},
      {"validate", "val"}, {"validation", "val"}, {"test", "test"}, {"testing", "test"}};
  const auto at = names.find(text);
  return at == names.end() ? "" : at->second;
}

std::string why_hostile(const std::string& path) {
  if (path.empty()) return "is empty";
  if (path.front() == '/') return "is absolute, expected a path under the root";
  for (const unsigned char c : path) {
    if (c < 0x20 || c == 0x7f) return "has a control character";
  }
  for (const fs::path& part : fs::path(path)) {
    if (part == "..") return "climbs out of the root with '..'";
  }
  return "";
}

}  // namespace permafrost::data
