#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "data/dataset/manifest.h"

namespace permafrost::data {
namespace {

void reject(ManifestEntry& entry, const std::string& kind, const std::string& detail) {
  entry.status = "rejected";
  entry.reason = kind + ": " + detail;
}

void probe(ManifestEntry& entry, const std::string& file, const ScanOptions& options) {
  entry.bytes = static_cast<int64_t>(core::file_bytes(file));
  const VideoInfo info = probe_video(file, options.limits, options.decode_to_end);
  entry.duration_seconds = info.duration_seconds;
  entry.frames = info.frames;
  entry.frames_per_second = info.frames_per_second;
  entry.width = info.width;
  entry.height = info.height;
  if (entry.start_seconds && *entry.start_seconds >= info.duration_seconds) {
    reject(entry, "outside the video",
           "its part starts at " + std::to_string(*entry.start_seconds) + " s, the file lasts " +
               std::to_string(info.duration_seconds) + " s");
  }
}

}  // namespace

ManifestEntry scan_video(const std::string& root, const ListedVideo& video, const ScanOptions& options) {
  ManifestEntry entry;
  entry.id = video.id;
  entry.path = video.path;
  entry.label = video.label;
  entry.split = video.split;
  entry.start_seconds = video.start_seconds;
  entry.end_seconds = video.end_seconds;
  if (video.is_rejected()) {
    entry.status = "rejected";
    entry.reason = video.reason;
    return entry;
  }
  try {
    probe(entry, (std::filesystem::path(root) / video.path).string(), options);
  } catch (const VideoError& error) {
    reject(entry, error.kind(), error.detail());
  } catch (const core::DataError& error) {
    reject(entry, "undecodable", error.what());
  } catch (const core::IoError& error) {
    reject(entry, "unreadable", error.what());
  }
  return entry;
}

std::map<std::string, int64_t> count_by_reason(const Manifest& manifest) {
  std::map<std::string, int64_t> counts;
  for (const ManifestEntry& entry : manifest.entries) {
    if (!entry.is_ok()) ++counts[entry.reason.substr(0, entry.reason.find(':'))];
  }
  return counts;
}

void write_summary(const std::string& path, const Manifest& manifest) {
  int64_t ok = 0;
  int64_t bytes = 0;
  double seconds = 0;
  std::map<std::string, std::map<std::string, int64_t>> splits;
  for (const ManifestEntry& entry : manifest.entries) {
    auto& split = splits
                      .try_emplace(entry.split.empty() ? "unknown" : entry.split,
                                   std::map<std::string, int64_t>{{"ok", 0}, {"rejected", 0}})
                      .first->second;
    ++split[entry.is_ok() ? "ok" : "rejected"];
    if (!entry.is_ok()) continue;
    ++ok;
    bytes += entry.bytes;
    const double end = std::min(entry.end_seconds.value_or(entry.duration_seconds), entry.duration_seconds);
    seconds += end - entry.start_seconds.value_or(0);
  }
  const auto videos = static_cast<int64_t>(manifest.entries.size());
  const nlohmann::json summary = {{"videos", videos},        {"ok", ok},
                                  {"rejected", videos - ok}, {"hours", seconds / 3600},
                                  {"bytes", bytes},          {"labels", manifest.labels.size()},
                                  {"splits", splits},        {"reasons", count_by_reason(manifest)}};
  core::publish_text(path, summary.dump(2) + "\n");
}

}  // namespace permafrost::data
