#include "data/dataset/list.h"

#include <algorithm>
#include <array>
#include <cctype>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <string_view>
#include <utility>

#include "core/base/error.h"
#include "core/base/file.h"
#include "data/dataset/csv.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

using Columns = std::map<std::string, size_t>;

// What every line needs to know of the list it stands in.
struct ListContext {
  const ListOptions& options;
  fs::path real_root;  // without links
  Columns columns;     // empty: `path label`
};

void reject(ListedVideo& video, const std::string& kind, const std::string& detail) {
  video.reason = kind + ": " + video.source + ": " + detail;
}

Columns columns_of(const std::vector<std::string>& fields) {
  Columns columns;
  for (size_t i = 0; i < fields.size(); ++i) columns.emplace(trimmed(fields[i]), i);
  return columns;
}

std::string field(const std::vector<std::string>& fields, const Columns& columns, const std::string& name) {
  const auto at = columns.find(name);
  return at == columns.end() || at->second >= fields.size() ? "" : trimmed(fields[at->second]);
}

bool is_youtube_id(const std::string& id) {
  return !id.empty() && id.size() <= 64 &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

std::optional<double> seconds_of(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || value < 0 ||
      value > 999'999) {
    return std::nullopt;
  }
  return value;
}

std::string clip_name(const std::string& id, double start, double end) {
  std::array<char, 96> text{};
  std::snprintf(text.data(), text.size(), "%s_%06lld_%06lld", id.c_str(), std::llround(start), std::llround(end));
  return text.data();
}

bool is_file(const fs::path& path) {
  std::error_code error;
  return fs::is_regular_file(path, error);
}

// Links are followed: what counts is where the bytes are.
bool leaves_root(const fs::path& file, const fs::path& real_root) {
  std::error_code error;
  const fs::path real = fs::canonical(file, error);
  if (error) return true;
  return std::mismatch(real_root.begin(), real_root.end(), real.begin(), real.end()).first != real_root.end();
}

void require_inside(ListedVideo& video, const ListContext& context) {
  if (context.options.allow_outside_root) return;
  if (leaves_root(fs::path(context.options.root) / video.path, context.real_root)) {
    reject(video, "outside the root", "'" + video.path + "' is a link that leaves " + context.options.root);
  }
}

// The folders of a Kinetics copy, as the tools that download it lay them out.
std::vector<std::string> kinetics_folders(const ListedVideo& video, const std::string& raw_split) {
  std::vector<std::string> splits{video.split};
  if (raw_split != video.split && why_hostile(raw_split).empty()) splits.push_back(raw_split);
  std::vector<std::string> folders{""};
  for (const std::string& split : splits) folders.push_back(split + "/");
  if (why_hostile(video.label).empty()) {
    folders.push_back(video.label + "/");
    for (const std::string& split : splits) folders.push_back(split + "/" + video.label + "/");
  }
  return folders;
}

void find_kinetics_file(ListedVideo& video, const std::string& youtube_id, const std::string& raw_split,
                        const ListContext& context) {
  for (const std::string& folder : kinetics_folders(video, raw_split)) {
    for (const bool is_cut : {true, false}) {
      const std::string path = folder + (is_cut ? video.id : youtube_id) + ".mp4";
      if (!is_file(fs::path(context.options.root) / path)) continue;
      video.path = path;
      if (is_cut) {
        video.start_seconds.reset();
        video.end_seconds.reset();
      }
      return require_inside(video, context);
    }
  }
  reject(video, "not found",
         "neither " + video.id + ".mp4 nor " + youtube_id + ".mp4 under " + context.options.root + ", nor in " +
             video.split + "/, LABEL/ or " + video.split + "/LABEL/ there");
}

ListedVideo kinetics_line(const std::vector<std::string>& fields, const std::string& source,
                          const ListContext& context) {
  ListedVideo video;
  video.source = source;
  const std::string youtube_id = field(fields, context.columns, "youtube_id");
  const std::string raw_split = field(fields, context.columns, "split");
  video.label = field(fields, context.columns, "label");
  video.id = youtube_id;
  video.split = context.columns.contains("split") ? split_name(raw_split) : context.options.split;
  video.start_seconds = seconds_of(field(fields, context.columns, "time_start"));
  video.end_seconds = seconds_of(field(fields, context.columns, "time_end"));
  if (!is_youtube_id(youtube_id)) {
    reject(video, "hostile path", "expected a youtube_id of letters, digits, _ and -, found '" + youtube_id + "'");
  } else if (video.label.empty() || video.label.find('\t') != std::string::npos) {
    reject(video, "bad line", "expected a label without tabs, found '" + video.label + "'");
  } else if (video.split.empty()) {
    reject(video, "bad line", "expected the split train, val or test, found '" + raw_split + "'");
  } else if (!video.start_seconds || !video.end_seconds || *video.start_seconds >= *video.end_seconds) {
    reject(video, "bad line", "expected time_start < time_end in seconds");
  } else {
    video.id = clip_name(youtube_id, *video.start_seconds, *video.end_seconds);
    find_kinetics_file(video, youtube_id, raw_split, context);
  }
  return video;
}

ListedVideo path_line(const std::string& path, const std::string& label, const std::string& split,
                      const std::string& source, const ListContext& context) {
  ListedVideo video;
  video.source = source;
  video.label = label;
  video.split = split.empty() ? context.options.split : split_name(split);
  video.id = fs::path(path).replace_extension().string();
  const std::string hostile = why_hostile(path);
  const bool may_be_absolute = context.options.allow_outside_root && fs::path(path).is_absolute();
  if (path.empty() || label.empty() || label.find('\t') != std::string::npos) {
    reject(video, "bad line", "expected a path and a label without tabs");
  } else if (video.split.empty()) {
    reject(video, "bad line", "expected the split train, val or test, found '" + split + "'");
  } else if (!hostile.empty() && !may_be_absolute) {
    reject(video, "hostile path", "'" + path + "' " + hostile);
  } else if (!is_file(fs::path(context.options.root) / path)) {
    reject(video, "not found", "'" + path + "' is not a file under " + context.options.root);
  } else {
    video.path = path;
    require_inside(video, context);
  }
  return video;
}

// Why a line cannot even be quoted in a message or a manifest; empty where it can.
std::string why_not_text(const std::string& line) {
  const auto is_control = [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; };
  if (std::any_of(line.begin(), line.end(), is_control)) return "has a control character";
  try {
    static_cast<void>(nlohmann::json(line).dump());  // strict about UTF-8
    return "";
  } catch (const nlohmann::json::exception&) {
    return "is not UTF-8";
  }
}

ListedVideo bad_line(const std::string& source, const std::string& detail) {
  ListedVideo video;
  video.source = source;
  reject(video, "bad line", detail);
  return video;
}

ListedVideo read_line(const std::string& line, const std::string& source, const ListContext& context) {
  if (const std::string reason = why_not_text(line); !reason.empty()) return bad_line(source, reason);
  if (context.columns.empty() && line.find(',') == std::string::npos) {
    const size_t gap = line.find_last_of(" \t");
    if (gap == std::string::npos) return path_line(line, "", "", source, context);
    return path_line(trimmed(line.substr(0, gap)), line.substr(gap + 1), "", source, context);
  }
  const auto fields = csv_fields(line);
  if (!fields) return bad_line(source, "a quote is opened and not closed");
  if (context.columns.contains("youtube_id")) return kinetics_line(*fields, source, context);
  if (!context.columns.empty()) {
    return path_line(field(*fields, context.columns, "path"), field(*fields, context.columns, "label"),
                     field(*fields, context.columns, "split"), source, context);
  }
  if (fields->size() == 2) return path_line(trimmed(fields->at(0)), trimmed(fields->at(1)), "", source, context);
  return bad_line(source, "expected path,label, found " + std::to_string(fields->size()) + " fields");
}

// Empty where the first line is no header.
Columns header_of(const std::string& path, const std::string& line) {
  const auto fields = csv_fields(line);
  if (!fields) return {};
  Columns columns = columns_of(*fields);
  if (columns.contains("youtube_id")) {
    for (const char* needed : {"label", "time_start", "time_end"}) {
      if (!columns.contains(needed)) {
        throw core::DataError(path + ":1: the Kinetics header has no column '" + needed +
                              "', expected label,youtube_id,time_start,time_end,split");
      }
    }
    return columns;
  }
  if (columns.contains("path") && columns.contains("label")) return columns;
  return {};
}

// One video once in each list; the first line stands.
void reject_duplicates(std::vector<ListedVideo>& videos) {
  std::map<std::string, std::string> first;
  for (ListedVideo& video : videos) {
    if (video.is_rejected()) continue;
    const auto [at, is_new] = first.emplace(video.id, video.source);
    if (!is_new) reject(video, "duplicate", "'" + video.id + "' is listed at " + at->second + " already");
  }
}

}  // namespace

std::vector<ListedVideo> read_list(const std::string& path, const ListOptions& options) {
  if (split_name(options.split).empty()) {
    throw core::ConfigError("split '" + options.split + "': expected train, val or test");
  }
  const std::vector<std::string> lines = lines_of(core::read_text(path));
  std::error_code error;
  ListContext context{options, fs::canonical(options.root.empty() ? "." : options.root, error), {}};
  if (error || !fs::is_directory(context.real_root)) {
    throw core::IoError(options.root + ": expected the folder of the videos, found " +
                        (error ? error.message() : "a file") + ": give another --root");
  }
  std::vector<ListedVideo> videos;
  bool may_be_header = true;
  for (size_t i = 0; i < lines.size(); ++i) {
    const std::string line = trimmed(lines[i]);
    if (line.empty() || line.front() == '#') continue;
    if (std::exchange(may_be_header, false)) {
      context.columns = header_of(path, line);
      if (!context.columns.empty()) continue;
    }
    videos.push_back(read_line(line, path + ":" + std::to_string(i + 1), context));
  }
  if (videos.empty())
    throw core::DataError(path + ": lists no video: expected one per line, see the header of a Kinetics list");
  reject_duplicates(videos);
  return videos;
}

std::string split_name(const std::string& text) {
  static const std::map<std::string, std::string> names = {{"train", "train"},  {"training", "train"}, {"val", "val"},
                                                           {"validate", "val"}, {"validation", "val"}, {"test", "test"},
                                                           {"testing", "test"}};
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
