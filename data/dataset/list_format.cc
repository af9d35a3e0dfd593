#include "data/dataset/list_format.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/base/options.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kLongestLine = 64 << 10;
constexpr size_t kMostNearestLabels = 1000;
constexpr double kLongestSeconds = 999'999;

std::optional<double> plain_number(const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || !std::isfinite(value) || value < 0) {
    return std::nullopt;
  }
  return value;
}

// "playing guitar", "Playing_guitar" and "playing-guitar" name one folder.
std::string folded(std::string name) {
  for (char& c : name) c = c == '_' || c == '-' ? ' ' : static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return name;
}

// How many of a path's folders bear the split's or the label's name.
int kinship(const std::string& path, const ListedVideo& video) {
  int count = 0;
  for (const fs::path& part : fs::path(path).parent_path()) {
    count += split_name(part.string()) == video.split || folded(part.string()) == folded(video.label);
  }
  return count;
}

std::optional<int64_t> place_of(const std::string& label) {
  int64_t place = 0;
  const auto [end, error] = std::from_chars(label.data(), label.data() + label.size(), place);
  if (error != std::errc{} || end != label.data() + label.size()) return std::nullopt;
  return place;
}

// Searched for once a label, and for so many labels only: it costs a comparison with each of the map.
std::string nearest_label(const std::string& label, const ListInput& input) {
  const auto at = input.nearest_labels.find(label);
  if (at != input.nearest_labels.end()) return at->second;
  if (input.nearest_labels.size() == kMostNearestLabels) return "";
  return input.nearest_labels.emplace(label, core::nearest_name(label, input.options.labels->names())).first->second;
}

void require_inside(ListedVideo& video, const VideoRoot& root) {
  if (!root.leaves(video.path)) return;
  reject(video, "outside the root", "'" + video.path + "' is a link that leaves " + root.path());
  video.path.clear();
}

}  // namespace

void reject(ListedVideo& video, const std::string& kind, const std::string& detail) {
  if (video.reason.empty()) video.reason = kind + ": " + video.source + ": " + detail;
}

ListedVideo bad_line(const std::string& source, const std::string& detail) {
  ListedVideo video;
  video.source = source;
  reject(video, "bad line", detail);
  return video;
}

std::string why_not_text(const std::string& line) {
  if (line.size() > kLongestLine) return "is longer than " + std::to_string(kLongestLine) + " bytes";
  const auto is_control = [](unsigned char c) { return (c < 0x20 && c != '\t') || c == 0x7f; };
  if (std::any_of(line.begin(), line.end(), is_control)) return "has a control character";
  try {
    static_cast<void>(nlohmann::json(line).dump());  // strict about UTF-8
    return "";
  } catch (const nlohmann::json::exception&) {
    return "is not UTF-8";
  }
}

std::optional<double> seconds_of(const std::string& text) {
  double total = 0;
  size_t at = 0;
  for (int part = 0; part < 3; ++part) {
    const size_t colon = text.find(':', at);
    const auto number = plain_number(text.substr(at, colon == std::string::npos ? colon : colon - at));
    if (!number || (part > 0 && *number >= 60)) return std::nullopt;
    total = total * 60 + *number;
    if (colon == std::string::npos) return total > kLongestSeconds ? std::nullopt : std::optional<double>(total);
    at = colon + 1;
  }
  return std::nullopt;
}

std::string part_suffix(double start, double end) {
  const auto is_whole = [](double value) { return value == std::floor(value); };
  std::array<char, 48> text{};
  if (is_whole(start) && is_whole(end)) {
    std::snprintf(text.data(), text.size(), "_%06.0f_%06.0f", start, end);
  } else {
    std::snprintf(text.data(), text.size(), "_%010.3f_%010.3f", start, end);
  }
  return text.data();
}

void set_label(ListedVideo& video, const std::string& label, const ListInput& input) {
  const std::optional<LabelMap>& labels = input.options.labels;
  if (label.empty()) return reject(video, "no label", "the list names no class for it");
  if (label.find('\t') != std::string::npos) return reject(video, "bad line", "expected a label without tabs");
  if (const std::string why = why_not_text(label); !why.empty()) return reject(video, "bad line", "its label " + why);
  video.label = label;
  if (!labels || labels->has(label)) return;
  const auto place = place_of(label);
  if (place && *place >= 0 && *place < labels->size()) {
    video.label = labels->names()[static_cast<size_t>(*place)];
    return;
  }
  const std::string near = nearest_label(label, input);
  reject(video, "unknown label",
         "'" + label + "' is none of the " + std::to_string(labels->size()) + " labels given" +
             (near.empty() ? "" : ", did you mean '" + near + "'?"));
}

void find_by_path(ListedVideo& video, const std::string& path, const ListInput& input) {
  const VideoRoot& root = input.root;
  const std::string hostile = why_hostile(path);
  const bool may_be_absolute = root.allows_outside() && fs::path(path).is_absolute();
  if (!hostile.empty() && !may_be_absolute) return reject(video, "hostile path", "'" + path + "' " + hostile);
  if (root.has_file(path)) {
    video.path = path;
    return require_inside(video, root);
  }
  const fs::path folder = fs::path(path).parent_path().lexically_normal();
  for (const std::string& other : root.with_stem(video_stem(path))) {
    if (fs::path(other).parent_path() != folder || !why_not_text(other).empty()) continue;
    video.path = other;
    return require_inside(video, root);
  }
  reject(video, "not found",
         "'" + path + "' is not a file under " + root.path() + ", nor is one of that name with another extension");
}

std::optional<size_t> find_by_stem(ListedVideo& video, const std::vector<std::string>& stems, const ListInput& input) {
  for (size_t i = 0; i < stems.size(); ++i) {
    const std::vector<std::string>& paths = input.root.with_stem(stems[i]);
    if (paths.empty()) continue;
    const std::string& path = *std::max_element(
        paths.begin(), paths.end(),
        [&](const std::string& a, const std::string& b) { return kinship(a, video) < kinship(b, video); });
    if (const std::string why = why_not_text(path); !why.empty()) {
      reject(video, "hostile path", "the path of " + stems[i] + " under " + input.root.path() + " " + why);
      return std::nullopt;
    }
    video.path = path;
    return i;
  }
  std::string names;
  for (const std::string& stem : stems) names += (names.empty() ? "" : " or ") + stem;
  reject(video, "not found", "no video named " + names + " under " + input.root.path());
  return std::nullopt;
}

}  // namespace permafrost::data
