// Lists of paths: `path label`, `path<TAB>label`, `path,label`, with a header more columns; and `folder count label` of
// folders of images.
#include <algorithm>
#include <charconv>
#include <filesystem>
#include <utility>

#include "data/dataset/csv.h"
#include "data/dataset/list_format.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

// One line taken apart.
struct PathLine {
  std::string path, label, split, start, end;
};

std::string without_video_extension(const std::string& path) {
  return (fs::path(path).parent_path() / video_stem(path)).string();
}

void set_part(ListedVideo& video, const PathLine& line) {
  if (line.start.empty() && line.end.empty()) return;
  video.start_seconds = line.start.empty() ? std::optional<double>(0) : seconds_of(line.start);
  video.end_seconds = seconds_of(line.end);
  if (!video.start_seconds || !video.end_seconds || *video.start_seconds >= *video.end_seconds) {
    reject(video, "bad line",
           "expected start < end in seconds or HH:MM:SS, found '" + line.start + "' and '" + line.end + "'");
    return;
  }
  video.id += part_suffix(*video.start_seconds, *video.end_seconds);
}

ListedVideo video_of(const PathLine& line, const std::string& source, const ListInput& input) {
  ListedVideo video;
  video.source = source;
  const std::string path = why_hostile(line.path).empty() ? fs::path(line.path).lexically_normal().string() : line.path;
  video.id = without_video_extension(path);
  video.split = line.split.empty() ? input.split : split_name(line.split);
  if (line.path.empty()) reject(video, "bad line", "expected a path and a label");
  if (video.split.empty()) {
    reject(video, "bad line", "expected the split train, val or test, found '" + line.split + "'");
  }
  set_part(video, line);
  set_label(video, line.label, input);
  if (!video.is_rejected()) find_by_path(video, path, input);
  return video;
}

// The names that headers give a column.
using Names = std::initializer_list<const char*>;
constexpr Names kPath{"path", "video", "file", "filename", "video_path"};
constexpr Names kLabel{"label", "class", "label_name", "class_name", "category"};
constexpr Names kStart{"start_seconds", "time_start", "start"};
constexpr Names kEnd{"end_seconds", "time_end", "end"};

// A header of columns, empty where the first line is a video already.
CsvColumns header_of(const std::string& line) {
  CsvColumns columns(line);
  return columns.first_of(kPath).empty() || columns.first_of(kLabel).empty() ? CsvColumns() : columns;
}

PathLine by_columns(const std::vector<std::string>& fields, const CsvColumns& columns) {
  return {.path = columns.field(fields, columns.first_of(kPath)),
          .label = columns.field(fields, columns.first_of(kLabel)),
          .split = columns.field(fields, "split"),
          .start = columns.field(fields, columns.first_of(kStart)),
          .end = columns.field(fields, columns.first_of(kEnd))};
}

// The label is the last word, what follows the last tab, or what stands in quotes at the end.
PathLine by_last_word(const std::string& line) {
  const size_t quote = line.ends_with('"') ? line.rfind(" \"", line.size() - 2) : std::string::npos;
  if (quote != std::string::npos) {
    return {.path = trimmed(line.substr(0, quote)), .label = line.substr(quote + 2, line.size() - quote - 3)};
  }
  const size_t tab = line.find_last_of('\t');
  const size_t gap = tab != std::string::npos ? tab : line.find_last_of(' ');
  if (gap == std::string::npos) return {.path = line};
  return {.path = trimmed(line.substr(0, gap)), .label = trimmed(line.substr(gap + 1))};
}

bool has_video_extension(const std::string& path) { return video_stem(path) != fs::path(path).filename().string(); }

// `path label` rather than columns: no comma; a tab; a label in quotes after a blank; or a comma in the name of a file,
// which is there, or has a video's extension where what stands before the comma has none.
bool is_by_words(const std::string& line, const ListInput& input) {
  const size_t comma = line.find(',');
  if (comma == std::string::npos || line.find('\t') != std::string::npos) return true;
  const std::string path = by_last_word(line).path;
  if (line.ends_with('"') && path.size() < comma) return true;
  if (path.find(',') == std::string::npos || !why_hostile(path).empty()) return false;
  return input.root.has_file(path) || (has_video_extension(path) && !has_video_extension(line.substr(0, comma)));
}

// "path label" and its like as a first line.
bool is_header_of_words(const std::string& line) {
  const PathLine words = by_last_word(line);
  const CsvColumns columns(words.path + "," + words.label);
  return !columns.first_of(kPath).empty() && !columns.first_of(kLabel).empty();
}

ListedVideo read_line(const std::string& line, const CsvColumns& columns, const std::string& source,
                      const ListInput& input) {
  if (const std::string why = why_not_text(line); !why.empty()) return bad_line(source, why);
  const bool has_columns = !columns.is_empty();
  if (!has_columns && is_by_words(line, input)) return video_of(by_last_word(line), source, input);
  const auto fields = csv_fields(line);
  if (!fields) return bad_line(source, "a quote is opened and not closed");
  if (has_columns) return video_of(by_columns(*fields, columns), source, input);
  if (fields->size() == 3) {
    return video_of({.path = trimmed(fields->at(0)), .label = trimmed(fields->at(1)), .split = trimmed(fields->at(2))},
                    source, input);
  }
  if (fields->size() != 2 && fields->size() != 4) {
    return bad_line(source, "expected path,label[,split] or path,label,start,end, found " +
                                std::to_string(fields->size()) + " fields");
  }
  const auto at = [&](size_t i) { return i < fields->size() ? trimmed(fields->at(i)) : ""; };
  return video_of({.path = at(0), .label = at(1), .start = at(2), .end = at(3)}, source, input);
}

// Empty where one of the images is a link that leaves the root.
std::optional<int64_t> images_in(const std::string& folder, const VideoRoot& root) {
  int64_t count = 0;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(fs::path(root.path()) / folder, error)) {
    if (root.leaves((fs::path(folder) / entry.path().filename()).string())) return std::nullopt;
    std::string extension = entry.path().extension().string();
    std::transform(extension.begin(), extension.end(), extension.begin(), ::tolower);
    const bool is_image = extension == ".jpg" || extension == ".jpeg" || extension == ".png";
    count += is_image && entry.is_regular_file(error) && !entry.path().filename().string().starts_with('.');
  }
  return count;
}

void find_folder(ListedVideo& video, const std::string& folder, int64_t count, const ListInput& input) {
  const std::string hostile = why_hostile(folder);
  if (!hostile.empty() && !(input.root.allows_outside() && fs::path(folder).is_absolute())) {
    return reject(video, "hostile path", "'" + folder + "' " + hostile);
  }
  if (!input.root.has_folder(folder)) {
    return reject(video, "not found", "'" + folder + "' is not a folder under " + input.root.path());
  }
  if (input.root.leaves(folder + "/.")) {
    return reject(video, "outside the root", "'" + folder + "' leaves " + input.root.path());
  }
  const std::optional<int64_t> found = images_in(folder, input.root);
  if (!found) {
    return reject(video, "outside the root", "'" + folder + "' holds a link that leaves " + input.root.path());
  }
  video.path = folder;
  if (*found != count) {
    reject(
        video, "wrong frame count",
        "'" + folder + "': expected " + std::to_string(count) + " images by the list, found " + std::to_string(*found));
  }
}

ListedVideo read_folder_line(const std::string& line, const std::string& source, const ListInput& input) {
  if (const std::string why = why_not_text(line); !why.empty()) return bad_line(source, why);
  const PathLine outer = by_last_word(line);
  const PathLine inner = by_last_word(outer.path);
  int64_t count = -1;
  const std::string& number = inner.label;
  const auto [end, error] = std::from_chars(number.data(), number.data() + number.size(), count);
  if (error != std::errc{} || end != number.data() + number.size() || count < 1) {
    return bad_line(source, "expected a folder, its number of images and a label");
  }
  ListedVideo video;
  video.source = source;
  video.id = inner.path;
  video.split = input.split;
  set_label(video, outer.label, input);
  if (!video.is_rejected()) find_folder(video, inner.path, count, input);
  return video;
}

}  // namespace

std::vector<ListedVideo> read_path_list(const ListInput& input) {
  std::vector<ListedVideo> videos;
  CsvColumns columns;
  bool may_be_header = true;
  for (size_t i = 0; i < input.lines.size(); ++i) {
    const std::string line = trimmed(input.lines[i]);
    if (line.empty() || line.front() == '#') continue;
    if (std::exchange(may_be_header, false)) {
      columns = header_of(line);
      if (!columns.is_empty() || is_header_of_words(line)) continue;
    }
    videos.push_back(read_line(line, columns, input.source(i), input));
  }
  return videos;
}

std::vector<ListedVideo> read_frame_folder_list(const ListInput& input) {
  std::vector<ListedVideo> videos;
  for (size_t i = 0; i < input.lines.size(); ++i) {
    const std::string line = trimmed(input.lines[i]);
    if (!line.empty() && line.front() != '#') videos.push_back(read_folder_line(line, input.source(i), input));
  }
  return videos;
}

}  // namespace permafrost::data
