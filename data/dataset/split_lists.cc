// HMDB51: a folder of CLASS_test_splitN.txt with `name.avi 0|1|2`. UCF101: trainlistNN.txt and testlistNN.txt with
// `Class/name.avi [number]`, the numbers in classInd.txt.
#include <algorithm>
#include <filesystem>
#include <map>

#include "core/base/error.h"
#include "core/base/file.h"
#include "data/dataset/csv.h"
#include "data/dataset/list_format.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

// "brush_hair" of "brush_hair_test_split1.txt"; empty where the name is another.
std::string hmdb51_class(const std::string& name, int64_t fold) {
  const std::string tail = "_test_split" + std::to_string(fold) + ".txt";
  return name.ends_with(tail) && !name.starts_with('.') ? name.substr(0, name.size() - tail.size()) : "";
}

ListedVideo read_hmdb51_line(const std::string& line, const std::string& label, const std::string& source,
                             const ListInput& input) {
  if (const std::string why = why_not_text(line); !why.empty()) return bad_line(source, why);
  const size_t gap = line.find_last_of(" \t");
  const std::string use = gap == std::string::npos ? "" : line.substr(gap + 1);
  if (use != "1" && use != "2") return bad_line(source, "expected a file and 0, 1 or 2");
  const std::string name = trimmed(line.substr(0, gap));
  ListedVideo video;
  video.source = source;
  video.id = label + "/" + video_stem(name);
  video.split = use == "1" ? "train" : "test";
  if (!why_hostile(name).empty()) reject(video, "hostile path", "'" + name + "' " + why_hostile(name));
  set_label(video, label, input);
  if (!video.is_rejected()) find_by_stem(video, {video_stem(name)}, input);
  return video;
}

bool is_unused(const std::string& line) { return line.ends_with(" 0") || line.ends_with("\t0"); }

// "1 ApplyEyeMakeup" -> by number; empty where there is no such file.
std::map<std::string, std::string> ucf101_classes(const std::string& list) {
  std::map<std::string, std::string> classes;
  const fs::path file = fs::path(list).parent_path() / "classInd.txt";
  if (!fs::is_regular_file(file)) return classes;
  for (const std::string& line : lines_of(core::read_text(file.string()))) {
    const size_t gap = line.find(' ');
    if (gap != std::string::npos) classes.emplace(line.substr(0, gap), trimmed(line.substr(gap + 1)));
  }
  return classes;
}

ListedVideo read_ucf101_line(const std::string& line, const std::map<std::string, std::string>& classes,
                             const std::string& source, const ListInput& input) {
  if (const std::string why = why_not_text(line); !why.empty()) return bad_line(source, why);
  const size_t gap = line.find_last_of(" \t");
  const std::string path = trimmed(line.substr(0, gap));
  const std::string number = gap == std::string::npos ? "" : line.substr(gap + 1);
  ListedVideo video;
  video.source = source;
  video.id = (fs::path(path).parent_path() / video_stem(path)).string();
  video.split = input.split;
  const std::string label = fs::path(path).parent_path().filename().string();
  const auto named = classes.find(number);
  if (named != classes.end() && named->second != label) {
    reject(video, "bad line", "its folder says '" + label + "', its number '" + named->second + "'");
  }
  set_label(video, label, input);
  if (!video.is_rejected()) find_by_path(video, path, input);
  return video;
}

}  // namespace

std::vector<ListedVideo> read_hmdb51_splits(const ListInput& input) {
  std::vector<fs::path> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(input.path, error)) files.push_back(entry.path());
  std::sort(files.begin(), files.end());
  std::vector<ListedVideo> videos;
  for (const fs::path& file : files) {
    const std::string label = hmdb51_class(file.filename().string(), input.options.fold);
    if (label.empty()) continue;
    const std::vector<std::string> lines = lines_of(core::read_text(file.string()));
    for (size_t i = 0; i < lines.size(); ++i) {
      const std::string line = trimmed(lines[i]);
      const std::string source = file.string() + ":" + std::to_string(i + 1);
      if (!line.empty() && !is_unused(line)) videos.push_back(read_hmdb51_line(line, label, source, input));
    }
  }
  if (videos.empty()) {
    throw core::DataError(input.path + ": expected files CLASS_test_split" + std::to_string(input.options.fold) +
                          ".txt, found none: HMDB51 has the folds 1 to 3");
  }
  return videos;
}

std::vector<ListedVideo> read_ucf101_split(const ListInput& input) {
  const std::map<std::string, std::string> classes = ucf101_classes(input.path);
  std::vector<ListedVideo> videos;
  for (size_t i = 0; i < input.lines.size(); ++i) {
    const std::string line = trimmed(input.lines[i]);
    if (!line.empty()) videos.push_back(read_ucf101_line(line, classes, input.source(i), input));
  }
  return videos;
}

}  // namespace permafrost::data
