#include "data/dataset/label_lists.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/options.h"
#include "data/dataset/csv.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

constexpr uint64_t kMostBytes = 16 << 20;

// What PERMAFROST_DATA names, the folder of the sources, or, without one, what was installed beside the program.
fs::path labels_directory() {
  const char* override_path = std::getenv("PERMAFROST_DATA");
  fs::path data = override_path != nullptr && *override_path != '\0' ? override_path : PERMAFROST_DATA_DIRECTORY;
  std::error_code error;
  if (!fs::exists(data, error)) {
    const fs::path program = fs::read_symlink("/proc/self/exe", error);
    data = program.parent_path().parent_path() / "share" / "permafrost";
  }
  return data / "dataset" / "labels";
}

LabelMap read_lines(const std::string& path) {
  std::vector<std::string> names = lines_of(core::read_text(path, kMostBytes));
  while (!names.empty() && names.back().empty()) names.pop_back();
  if (names.empty()) throw core::DataError(path + ": expected one class name a line, found none");
  try {
    return LabelMap(std::move(names));
  } catch (const core::DataError& error) {
    throw core::DataError(path + ": " + error.what());
  }
}

nlohmann::json read_object(const std::string& path) {
  const auto json = nlohmann::json::parse(core::read_text(path, kMostBytes), nullptr, /*allow_exceptions=*/false);
  if (!json.is_object()) throw core::DataError(path + ": expected one JSON object, found something else");
  return json;
}

// Something-Something's own file: class names with their places.
LabelMap read_places(const std::string& path) {
  std::map<int64_t, std::string> names;
  const nlohmann::json object = read_object(path);
  for (const auto& [name, place] : object.items()) {
    const std::string text = place.is_string() ? place.get<std::string>() : place.dump();
    int64_t number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
    const bool is_number = error == std::errc{} && end == text.data() + text.size();
    if (!is_number || !names.emplace(number, name).second) {
      throw core::DataError(path + ": '" + name + "': expected a place of its own, found " + text);
    }
  }
  std::vector<std::string> ordered;
  for (const auto& [place, name] : names) {
    if (place != static_cast<int64_t>(ordered.size())) {
      throw core::DataError(path + ": expected a class at each place from 0, found none at " +
                            std::to_string(ordered.size()));
    }
    ordered.push_back(name);
  }
  return LabelMap(std::move(ordered));
}

LabelMap read_file(const std::string& path) {
  return fs::path(path).extension() == ".json" ? read_places(path) : read_lines(path);
}

core::ConfigError unknown(const std::string& name, const std::vector<std::string>& known) {
  const std::string near = core::nearest_name(name, known);
  std::string list;
  for (const std::string& one : known) list += (list.empty() ? "" : ", ") + one;
  const std::string hint = near.empty() ? "one of " + list : "did you mean '" + near + "'?";
  return core::ConfigError("labels '" + name + "': neither a file nor a label map of ours: " + hint);
}

}  // namespace

std::vector<std::string> shipped_labels() {
  std::vector<std::string> names;
  std::error_code error;  // no such folder: none are shipped
  for (const fs::directory_entry& entry : fs::directory_iterator(labels_directory(), error)) {
    if (entry.path().extension() == ".txt") names.push_back(entry.path().stem().string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

std::map<std::string, std::string> kinetics710_renames() {
  const std::string path = (labels_directory() / "kinetics710_renames.json").string();
  std::map<std::string, std::string> renames;
  const nlohmann::json object = read_object(path);
  for (const auto& [name, unified] : object.items()) {
    if (!unified.is_string()) throw core::DataError(path + ": expected a class name for '" + name + "'");
    renames[name] = unified.get<std::string>();
  }
  return renames;
}

LabelMap find_labels(const std::string& name_or_file) {
  if (fs::is_regular_file(name_or_file)) return read_file(name_or_file);
  const std::vector<std::string> known = shipped_labels();
  if (std::find(known.begin(), known.end(), name_or_file) == known.end()) throw unknown(name_or_file, known);
  return read_lines((labels_directory() / (name_or_file + ".txt")).string());
}

}  // namespace permafrost::data
