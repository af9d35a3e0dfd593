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
#include "data/dataset/manifest_entry.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;
using OrderedJson = nlohmann::ordered_json;  // lines are written with what identifies them first

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

// Names from a disk need not be UTF-8, and what cannot be written faithfully must not be written.
std::string line_of(const OrderedJson& json, const std::string& where) {
  try {
    return json.dump() + "\n";
  } catch (const OrderedJson::exception&) {
    refuse(where, "a name, label or reason is not UTF-8: rename it");
  }
}

}  // namespace

std::string entries_to_text(const std::vector<ManifestEntry>& entries) {
  std::string text;
  for (const ManifestEntry& entry : entries) {
    text += entry_to_json(entry).dump(-1, ' ', false, Json::error_handler_t::replace) + "\n";
  }
  return text;
}

std::vector<ManifestEntry> entries_from_text(const std::string& text) {
  std::vector<ManifestEntry> entries;
  for (const std::string& line : lines_of(text)) {
    JsonLine object(line, "entry " + std::to_string(entries.size()));
    entries.push_back(entry_from_json(object));
  }
  return entries;
}

void write_manifest(const std::string& path, const Manifest& manifest) {
  std::set<std::string> ids;
  std::string lines;
  for (const ManifestEntry& entry : manifest.entries) {
    const std::string where = path + ": video '" + entry.id + "'";
    require_sound(entry, manifest.labels, /*allow_outside_root=*/true, where);
    if (entry.is_ok() && !ids.insert(entry.id).second) refuse(where, "'id': stands there twice");
    lines += line_of(entry_to_json(entry), where);
  }
  const OrderedJson header = {
      {"permafrost_manifest", kManifestVersion}, {"root", stored_root(path, manifest.root)},
      {"labels", manifest.labels.names()},       {"labels_sha256", manifest.labels.hash()},
      {"entries", manifest.entries.size()},      {"entries_crc32c", core::crc32c(lines.data(), lines.size())}};
  core::publish_text(path, line_of(header, path + ": header") + lines);
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
