#include "data/dataset/scan.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

// A file cut to its part lasts as long as the part, give or take what cutting at key frames does.
constexpr double kCutTolerance = 1.5;

// What a file is, or why it is of no use.
struct Probe {
  ManifestEntry facts;
  std::string kind, detail;  // of a rejection
};

void measure(const std::string& path, const ScanOptions& options, ManifestEntry& facts) {
  facts.bytes = content_bytes(path);
  const VideoInfo info = probe_video(path, options.limits, options.decode_to_end);
  facts.duration_seconds = info.duration_seconds;
  facts.frames = info.frames;
  facts.frames_per_second = info.frames_per_second;
  facts.width = info.width;
  facts.height = info.height;
  facts.crc32c = content_checksum(path);
}

Probe probe(const std::string& path, const ScanOptions& options) {
  Probe found;
  try {
    measure(path, options, found.facts);
  } catch (const VideoError& error) {
    found.kind = error.kind();
    found.detail = error.detail();
  } catch (const core::DataError& error) {
    found.kind = "undecodable";
    found.detail = error.what();
  } catch (const core::IoError& error) {
    found.kind = "unreadable";
    found.detail = error.what();
  }
  return found;
}

void reject(ManifestEntry& entry, const std::string& kind, const std::string& source, const std::string& detail) {
  entry.status = "rejected";
  entry.reason = kind + ": " + source + ": " + detail;
}

// Kinetics copies hold the whole video or its ten seconds under the same name. What the list says decides where it
// can be true of the whole; else the file's length does.
void settle_part(ManifestEntry& entry, const ListedVideo& video) {
  if (!entry.start_seconds) return;
  const double length = entry.end_seconds.value_or(entry.duration_seconds) - *entry.start_seconds;
  const bool fits = entry.end_seconds.value_or(0) <= entry.duration_seconds + kCutTolerance;
  if (video.may_be_cut && !fits && std::abs(entry.duration_seconds - length) <= kCutTolerance) {
    entry.start_seconds = entry.end_seconds = std::nullopt;
  } else if (*entry.start_seconds >= entry.duration_seconds) {
    reject(entry, "outside the video", video.source,
           "its part starts at " + std::to_string(*entry.start_seconds) + " s, the file lasts " +
               std::to_string(entry.duration_seconds) + " s");
  }
}

ManifestEntry entry_of(const ListedVideo& video, const Probe& probe) {
  ManifestEntry entry = probe.facts;
  entry.id = video.id;
  entry.path = video.path;
  entry.label = video.label;
  entry.split = video.split;
  entry.start_seconds = video.start_seconds;
  entry.end_seconds = video.end_seconds;
  if (video.is_rejected()) {
    entry.status = "rejected";
    entry.reason = video.reason;
  } else if (!probe.kind.empty()) {
    reject(entry, probe.kind, video.source, probe.detail);
  } else {
    settle_part(entry, video);
  }
  return entry;
}

std::vector<std::string> content_files(const std::string& path) {
  if (!fs::is_directory(path)) return {path};
  std::vector<std::string> files;
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, error)) {
    const bool is_hidden = entry.path().filename().string().starts_with('.');
    if (entry.is_regular_file() && !is_hidden) files.push_back(entry.path().string());
  }
  if (error) throw core::IoError(path + ": cannot list the folder: " + error.message());
  std::sort(files.begin(), files.end());
  return files;
}

}  // namespace

int64_t content_bytes(const std::string& path) {
  int64_t bytes = 0;
  for (const std::string& file : content_files(path)) bytes += static_cast<int64_t>(core::file_bytes(file));
  return bytes;
}

uint32_t content_checksum(const std::string& path) {
  uint32_t crc = 0;
  for (const std::string& file : content_files(path)) {
    core::for_each_block(file, [&](const char* data, size_t bytes) { crc = core::crc32c(data, bytes, crc); });
  }
  return crc;
}

ManifestEntry scan_video(const std::string& root, const ListedVideo& video, const ScanOptions& options) {
  if (video.is_rejected()) return entry_of(video, {});
  return scan_parts(root, {video}, options).front();
}

std::vector<ManifestEntry> scan_parts(const std::string& root, const std::vector<ListedVideo>& parts,
                                      const ScanOptions& options) {
  const Probe found = probe((fs::path(root) / parts.at(0).path).string(), options);
  std::vector<ManifestEntry> entries;
  for (const ListedVideo& part : parts) entries.push_back(entry_of(part, found));
  return entries;
}

}  // namespace permafrost::data
