#include <algorithm>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <thread>
#include <unordered_set>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/parallel.h"
#include "data/dataset/manifest.h"
#include "data/dataset/manifest_entry.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;
constexpr size_t kBlockBytes = size_t{8} << 20;  // of text in memory at once, beside the entries made of it
constexpr size_t kMostLineBytes = size_t{64} << 20;
constexpr uint64_t kLeastLineBytes = 150;  // the names of an entry's fields alone
constexpr int64_t kPartLines = 512;        // that a thread takes at a time
constexpr int64_t kMostThreads = 8;

// Of the entry at this place.
std::string line_name(const std::string& path, size_t place) { return path + ":" + std::to_string(place + 2); }

// What the header says of the lines that follow.
struct Extent {
  int64_t entries = 0;
  int64_t entries_crc32c = 0;
};

// Gives `visit` whole lines with their ends, about kBlockBytes of them at a time.
void for_each_lines(const std::string& path, const std::function<void(std::string_view)>& visit) {
  std::string pending;
  core::for_each_block(path, [&](const char* data, size_t bytes) {
    pending.append(data, bytes);
    if (pending.size() < kBlockBytes) return;
    const size_t whole = pending.rfind('\n') + 1;  // 0: there is no end
    if (whole == 0 && pending.size() > kMostLineBytes) {
      refuse(path, "has a line of more than " + std::to_string(kMostLineBytes >> 20) + " MB: is this a manifest?");
    }
    if (whole > 0) visit(std::string_view(pending).substr(0, whole));
    pending.erase(0, whole);
  });
  if (!pending.empty()) visit(pending);
}

std::vector<std::string_view> lines_in(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size());
    lines.push_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

Manifest read_header(std::string_view line, const std::string& path, Extent& promised) {
  JsonLine header(line, path + ":1");
  if (!header.has("permafrost_manifest")) refuse(header.where(), "expected the header of a manifest: is this one?");
  const int64_t version = header.count("permafrost_manifest");
  if (version != kManifestVersion) {
    refuse(header.where(), "manifest of version " + std::to_string(version) + ", expected " +
                               std::to_string(kManifestVersion) + ": scan the data set again");
  }
  Manifest manifest;
  const fs::path root = header.text("root");
  manifest.root =
      root.is_absolute() ? root.string() : (fs::path(path).parent_path() / root).lexically_normal().string();
  const nlohmann::json names = header.take("labels");
  if (!names.is_array()) refuse(header.where(), "'labels': expected a list of class names, found " + shown(names));
  std::vector<std::string> labels;
  for (const nlohmann::json& name : names) {
    if (!name.is_string()) refuse(header.where(), "'labels': expected a class name, found " + shown(name));
    labels.push_back(name.get<std::string>());
  }
  try {
    manifest.labels = LabelMap(std::move(labels));
  } catch (const core::DataError& error) {
    refuse(header.where(), error.what());
  }
  if (header.text("labels_sha256") != manifest.labels.hash()) {
    refuse(header.where(), "'labels_sha256' is not the hash of 'labels': the manifest was edited or damaged");
  }
  promised.entries = header.count("entries");
  promised.entries_crc32c = header.count("entries_crc32c");
  header.require_empty();
  return manifest;
}

// Threads take the lines apart side by side.
void append_entries(const std::vector<std::string_view>& lines, const std::string& path, bool allow_outside_root,
                    Manifest& manifest) {
  const size_t before = manifest.entries.size();
  const auto count = static_cast<int64_t>(lines.size());
  manifest.entries.resize(before + lines.size());
  const int64_t threads = std::clamp<int64_t>(std::thread::hardware_concurrency(), 1, kMostThreads);
  core::parallel_for_each((count + kPartLines - 1) / kPartLines, threads, [&](int64_t part) {
    for (int64_t i = part * kPartLines; i < std::min(count, (part + 1) * kPartLines); ++i) {
      JsonLine object(lines[i], line_name(path, before + i));
      ManifestEntry& entry = manifest.entries[before + i] = entry_from_json(object);
      require_sound(entry, manifest.labels, allow_outside_root, object.where());
    }
  });
}

void require_count(const Extent& promised, int64_t found, const std::string& path) {
  if (promised.entries == found) return;
  refuse(path + ":" + std::to_string(found + 1), "the header promises " + std::to_string(promised.entries) +
                                                     " videos, found " + std::to_string(found) +
                                                     ": the manifest is damaged");
}

void require_distinct(const std::vector<ManifestEntry>& entries, const std::string& path) {
  std::unordered_set<std::string_view> ids;
  for (size_t place = 0; place < entries.size(); ++place) {
    if (!entries[place].is_ok() || ids.insert(entries[place].id).second) continue;
    refuse(line_name(path, place), "'id': '" + entries[place].id + "' stands there twice");
  }
}

}  // namespace

Manifest read_manifest(const std::string& path, bool allow_outside_root) {
  const uint64_t most_entries = core::file_bytes(path) / kLeastLineBytes;
  std::optional<Extent> promised;
  uint32_t crc = 0;
  Manifest manifest;
  for_each_lines(path, [&](std::string_view text) {
    if (!promised) {
      const size_t end = std::min(text.find('\n'), text.size());
      manifest = read_header(text.substr(0, end), path, promised.emplace());
      manifest.entries.reserve(std::min(static_cast<uint64_t>(promised->entries), most_entries));
      text.remove_prefix(std::min(end + 1, text.size()));
    }
    crc = core::crc32c(text.data(), text.size(), crc);
    append_entries(lines_in(text), path, allow_outside_root, manifest);
  });
  if (!promised) refuse(path + ":1", "expected the header of a manifest, found an empty file");
  require_count(*promised, static_cast<int64_t>(manifest.entries.size()), path);
  require_distinct(manifest.entries, path);
  if (promised->entries_crc32c != crc) {
    refuse(path, "its videos are not those that its header was written for: it was edited or damaged; scan again");
  }
  return manifest;
}

}  // namespace permafrost::data
