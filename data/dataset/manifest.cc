#include "data/dataset/manifest.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "data/dataset/csv.h"
#include "data/dataset/json_line.h"
#include "data/dataset/list.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
constexpr uint64_t kMostBytes = uint64_t{8} << 30;

using OrderedJson = nlohmann::ordered_json;  // lines are written with what identifies them first

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw core::DataError(where + ": " + what);
}

// Whether a and b move together when the folder of one is moved: one lies inside the other.
bool is_nested(const fs::path& a, const fs::path& b) {
  const auto inside = [](const fs::path& outer, const fs::path& inner) {
    return std::mismatch(outer.begin(), outer.end(), inner.begin(), inner.end()).first == outer.end();
  };
  return inside(a, b) || inside(b, a);
}

fs::path folder_of(const std::string& path) {
  const fs::path folder = fs::path(path).parent_path();
  return folder.empty() ? fs::path(".") : folder;
}

std::string stored_root(const std::string& path, const std::string& root) {
  const fs::path real_root = fs::weakly_canonical(fs::absolute(root));
  const fs::path real_folder = fs::weakly_canonical(fs::absolute(folder_of(path)));
  if (!is_nested(real_root, real_folder)) return real_root.string();
  return real_root.lexically_relative(real_folder).string();
}

OrderedJson to_json(const ManifestEntry& entry) {
  OrderedJson json = {{"id", entry.id},
                      {"path", entry.path},
                      {"bytes", entry.bytes},
                      {"crc32c", entry.crc32c},
                      {"duration_seconds", entry.duration_seconds},
                      {"frames", entry.frames},
                      {"frames_per_second", entry.frames_per_second},
                      {"width", entry.width},
                      {"height", entry.height},
                      {"label", entry.label},
                      {"split", entry.split},
                      {"status", entry.status}};
  if (!entry.is_ok()) json["reason"] = entry.reason;
  if (entry.start_seconds) json["start_seconds"] = *entry.start_seconds;
  if (entry.end_seconds) json["end_seconds"] = *entry.end_seconds;
  return json;
}

ManifestEntry from_json(JsonLine& object) {
  ManifestEntry entry;
  entry.id = object.text("id");
  entry.path = object.text("path");
  entry.bytes = object.count("bytes");
  entry.crc32c = object.count("crc32c");
  entry.duration_seconds = object.measure("duration_seconds");
  entry.frames = object.count("frames");
  entry.frames_per_second = object.measure("frames_per_second");
  entry.width = object.count("width");
  entry.height = object.count("height");
  entry.label = object.text("label");
  entry.split = object.text("split");
  entry.status = object.text("status");
  if (entry.status == "rejected") entry.reason = object.text("reason");
  entry.start_seconds = object.optional_measure("start_seconds");
  entry.end_seconds = object.optional_measure("end_seconds");
  object.require_empty();
  return entry;
}

// What holds for every entry, whether it is about to be written or was just read.
void require_sound(const ManifestEntry& entry, const LabelMap& labels, bool allow_outside_root,
                   const std::string& where) {
  if (entry.status != "ok" && entry.status != "rejected") {
    fail(where, "'status': expected ok or rejected, found '" + entry.status + "'");
  }
  if (!entry.is_ok()) {
    if (entry.reason.empty()) fail(where, "'reason': expected why the video is rejected, found nothing");
    return;
  }
  if (entry.id.empty()) fail(where, "'id': expected a name, found nothing");
  const std::string hostile = why_hostile(entry.path);
  if (!hostile.empty() && !(allow_outside_root && fs::path(entry.path).is_absolute())) {
    fail(where, "'path': '" + entry.path + "' " + hostile);
  }
  if (!labels.has(entry.label)) {
    fail(where,
         "'label': '" + entry.label + "' is not one of the manifest's " + std::to_string(labels.size()) + " labels");
  }
  if (entry.split.empty() || split_name(entry.split) != entry.split) {
    fail(where, "'split': expected train, val or test, found '" + entry.split + "'");
  }
  if (entry.frames < 1 || entry.width < 1 || entry.height < 1) fail(where, "a video that is ok has frames and a size");
  if (entry.start_seconds && entry.end_seconds && *entry.start_seconds >= *entry.end_seconds) {
    fail(where, "expected start_seconds < end_seconds");
  }
}

// What the header says of the lines that follow.
struct Promise {
  int64_t entries = 0;
  int64_t entries_crc32c = 0;
};

Manifest read_header(const std::string& line, const std::string& path, Promise& promise) {
  JsonLine header(line, path + ":1");
  if (!header.has("permafrost_manifest")) fail(header.where(), "expected the header of a manifest: is this one?");
  const int64_t version = header.count("permafrost_manifest");
  if (version != kManifestVersion) {
    fail(header.where(), "manifest of version " + std::to_string(version) + ", expected " +
                             std::to_string(kManifestVersion) + ": scan the data set again");
  }
  Manifest manifest;
  const fs::path root = header.text("root");
  manifest.root = root.is_absolute() ? root.string() : (folder_of(path) / root).lexically_normal().string();
  const Json names = header.take("labels");
  if (!names.is_array()) fail(header.where(), "'labels': expected a list of class names, found " + shown(names));
  std::vector<std::string> labels;
  for (const Json& name : names) {
    if (!name.is_string()) fail(header.where(), "'labels': expected a class name, found " + shown(name));
    labels.push_back(name.get<std::string>());
  }
  try {
    manifest.labels = LabelMap(std::move(labels));
  } catch (const core::DataError& error) {
    fail(header.where(), error.what());
  }
  if (header.text("labels_sha256") != manifest.labels.hash()) {
    fail(header.where(), "'labels_sha256' is not the hash of 'labels': the manifest was edited or damaged");
  }
  promise.entries = header.count("entries");
  promise.entries_crc32c = header.count("entries_crc32c");
  header.require_empty();
  return manifest;
}

// Names from a disk need not be UTF-8, and what cannot be written faithfully must not be written.
std::string line_of(const OrderedJson& json, const std::string& where) {
  try {
    return json.dump() + "\n";
  } catch (const OrderedJson::exception&) {
    fail(where, "a name, label or reason is not UTF-8: rename it");
  }
}

void require_new(std::set<std::string>& ids, const ManifestEntry& entry, const std::string& where) {
  if (entry.is_ok() && !ids.insert(entry.id).second) fail(where, "'id': '" + entry.id + "' stands there twice");
}

}  // namespace

std::string entries_to_text(const std::vector<ManifestEntry>& entries) {
  std::string text;
  for (const ManifestEntry& entry : entries) {
    text += to_json(entry).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return text;
}

std::vector<ManifestEntry> entries_from_text(const std::string& text) {
  std::vector<ManifestEntry> entries;
  for (const std::string& line : lines_of(text)) {
    JsonLine object(line, "entry " + std::to_string(entries.size()));
    entries.push_back(from_json(object));
  }
  return entries;
}

void write_manifest(const std::string& path, const Manifest& manifest) {
  std::set<std::string> ids;
  std::string lines;
  for (const ManifestEntry& entry : manifest.entries) {
    const std::string where = path + ": video '" + entry.id + "'";
    require_sound(entry, manifest.labels, /*allow_outside_root=*/true, where);
    require_new(ids, entry, where);
    lines += line_of(to_json(entry), where);
  }
  const OrderedJson header = {
      {"permafrost_manifest", kManifestVersion}, {"root", stored_root(path, manifest.root)},
      {"labels", manifest.labels.names()},       {"labels_sha256", manifest.labels.hash()},
      {"entries", manifest.entries.size()},      {"entries_crc32c", core::crc32c(lines.data(), lines.size())}};
  core::publish_text(path, line_of(header, path + ": header") + lines);
}

Manifest read_manifest(const std::string& path, bool allow_outside_root) {
  const std::string text = core::read_text(path, kMostBytes);
  const std::vector<std::string> lines = lines_of(text);
  if (lines.empty()) fail(path + ":1", "expected the header of a manifest, found an empty file");
  Promise promise;
  Manifest manifest = read_header(lines.front(), path, promise);
  if (static_cast<int64_t>(lines.size()) - 1 != promise.entries) {
    fail(path + ":" + std::to_string(lines.size()), "the header promises " + std::to_string(promise.entries) +
                                                        " videos, found " + std::to_string(lines.size() - 1) +
                                                        ": the manifest is damaged");
  }
  std::set<std::string> ids;
  for (size_t i = 1; i < lines.size(); ++i) {
    JsonLine object(lines[i], path + ":" + std::to_string(i + 1));
    manifest.entries.push_back(from_json(object));
    require_sound(manifest.entries.back(), manifest.labels, allow_outside_root, object.where());
    require_new(ids, manifest.entries.back(), object.where());
  }
  const size_t first = std::min(text.find('\n') + 1, text.size());
  if (core::crc32c(text.data() + first, text.size() - first) != promise.entries_crc32c) {
    fail(path, "its videos are not those that its header was written for: it was edited or damaged; scan again");
  }
  return manifest;
}

double seconds_that_count(const ManifestEntry& entry) {
  const double end = std::min(entry.end_seconds.value_or(entry.duration_seconds), entry.duration_seconds);
  return std::max(0.0, end - entry.start_seconds.value_or(0));
}

bool is_listed(const ManifestEntry& entry) {
  static const std::set<std::string> kNoVideos{"bad line",  "hostile path", "no label", "unknown label",
                                               "duplicate", "held out",     "no class"};
  return entry.is_ok() || !kNoVideos.contains(entry.reason.substr(0, entry.reason.find(':')));
}

std::map<std::string, int64_t> count_listed(const Manifest& manifest) {
  std::map<std::string, int64_t> counts;
  for (const ManifestEntry& entry : manifest.entries) counts[entry.split] += is_listed(entry);
  std::erase_if(counts, [](const auto& split) { return split.second == 0; });
  return counts;
}

std::map<std::string, int64_t> count_by_reason(const Manifest& manifest) {
  std::map<std::string, int64_t> counts;
  for (const ManifestEntry& entry : manifest.entries) {
    if (!entry.is_ok()) ++counts[entry.reason.substr(0, entry.reason.find(':'))];
  }
  return counts;
}

}  // namespace permafrost::data
