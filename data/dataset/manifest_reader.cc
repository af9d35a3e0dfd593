#include <algorithm>
#include <filesystem>
#include <functional>
#include <nlohmann/json.hpp>
#include <span>
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
constexpr int64_t kPartLines = 512;              // that a thread takes at a time
constexpr int64_t kMostThreads = 8;

[[noreturn]] void fail(const std::string& where, const std::string& what) {
  throw core::DataError(where + ": " + what);
}

// Of the entry at this place.
std::string line_name(const std::string& path, size_t place) { return path + ":" + std::to_string(place + 2); }

// What the header says of the lines that follow, and what there is.
struct Extent {
  int64_t entries = 0;
  uint32_t entries_crc32c = 0;
};

Extent measure(const std::string& path) {
  Extent found{.entries = -1};  // the header is none
  bool is_header = true;
  char last = '\n';
  core::for_each_block(path, [&](const char* data, size_t bytes) {
    const char* const end = data + bytes;
    found.entries += std::count(data, end, '\n');
    last = end[-1];
    if (is_header) data = std::find(data, end, '\n');
    if (is_header && data != end) ++data, is_header = false;
    found.entries_crc32c = core::crc32c(data, static_cast<size_t>(end - data), found.entries_crc32c);
  });
  found.entries += last != '\n';
  return found;
}

// Gives `visit` all lines of a file in their order, without their ends, about kBlockBytes of them at a time.
void for_each_lines(const std::string& path, const std::function<void(std::span<const std::string_view>)>& visit) {
  std::string pending;
  const auto give = [&](bool is_end) {
    std::vector<std::string_view> lines;
    size_t at = 0;
    for (size_t end; (end = pending.find('\n', at)) != std::string::npos; at = end + 1) {
      lines.emplace_back(pending.data() + at, end - at);
    }
    if (is_end && at < pending.size()) lines.emplace_back(pending.data() + at, pending.size() - at);
    visit(lines);
    pending.erase(0, at);
  };
  core::for_each_block(path, [&](const char* data, size_t bytes) {
    pending.append(data, bytes);
    if (pending.size() >= kBlockBytes) give(/*is_end=*/false);
  });
  give(/*is_end=*/true);
}

Manifest read_header(std::string_view line, const std::string& path, Extent& promised) {
  JsonLine header(line, path + ":1");
  if (!header.has("permafrost_manifest")) fail(header.where(), "expected the header of a manifest: is this one?");
  const int64_t version = header.count("permafrost_manifest");
  if (version != kManifestVersion) {
    fail(header.where(), "manifest of version " + std::to_string(version) + ", expected " +
                             std::to_string(kManifestVersion) + ": scan the data set again");
  }
  Manifest manifest;
  const fs::path root = header.text("root");
  manifest.root =
      root.is_absolute() ? root.string() : (fs::path(path).parent_path() / root).lexically_normal().string();
  const nlohmann::json names = header.take("labels");
  if (!names.is_array()) fail(header.where(), "'labels': expected a list of class names, found " + shown(names));
  std::vector<std::string> labels;
  for (const nlohmann::json& name : names) {
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
  promised.entries = header.count("entries");
  promised.entries_crc32c = static_cast<uint32_t>(header.count("entries_crc32c"));
  header.require_empty();
  return manifest;
}

void require_count(const Extent& promised, const Extent& found, const std::string& path) {
  if (promised.entries == found.entries) return;
  fail(path + ":" + std::to_string(found.entries + 1), "the header promises " + std::to_string(promised.entries) +
                                                           " videos, found " + std::to_string(found.entries) +
                                                           ": the manifest is damaged");
}

// Threads take the lines apart side by side.
void append_entries(std::span<const std::string_view> lines, const std::string& path, bool allow_outside_root,
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

void require_distinct(const std::vector<ManifestEntry>& entries, const std::string& path) {
  std::unordered_set<std::string_view> ids;
  for (size_t place = 0; place < entries.size(); ++place) {
    if (!entries[place].is_ok() || ids.insert(entries[place].id).second) continue;
    fail(line_name(path, place), "'id': '" + entries[place].id + "' stands there twice");
  }
}

}  // namespace

Manifest read_manifest(const std::string& path, bool allow_outside_root) {
  const Extent found = measure(path);
  if (found.entries < 0) fail(path + ":1", "expected the header of a manifest, found an empty file");
  Extent promised;
  Manifest manifest;
  for_each_lines(path, [&, is_first = true](std::span<const std::string_view> lines) mutable {
    if (is_first && !lines.empty()) {
      manifest = read_header(lines.front(), path, promised);
      require_count(promised, found, path);
      manifest.entries.reserve(static_cast<size_t>(found.entries));
      lines = lines.subspan(1), is_first = false;
    }
    append_entries(lines, path, allow_outside_root, manifest);
  });
  require_distinct(manifest.entries, path);
  if (found.entries_crc32c != promised.entries_crc32c) {
    fail(path, "its videos are not those that its header was written for: it was edited or damaged; scan again");
  }
  return manifest;
}

}  // namespace permafrost::data
