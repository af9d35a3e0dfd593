#include <algorithm>

#include "launch/report/charts.h"
#include "launch/report/markup.h"
#include "launch/report/sections.h"

namespace permafrost::launch {
namespace {

constexpr size_t kReasonsAtMost = 15;

std::string manifest_tables(const ManifestSummary& manifest) {
  Table splits("Videos by split", {"split", "#videos"});
  int64_t accepted = 0;
  for (const NamedCount& split : manifest.splits) {
    splits.row({escape(split.name), grouped(split.count)});
    accepted += split.count;
  }
  std::string text = "<p>" + plural(manifest.videos, "video", "videos") + " listed, " + grouped(accepted) + " accepted";
  if (manifest.labels > 0) text += ", " + plural(manifest.labels, "label", "labels");
  if (manifest.seconds > 0) text += ", " + fixed(manifest.seconds / 3600, 2) + " hours";
  std::string html = text + ".</p>\n" + splits.html();
  if (manifest.rejections.empty()) return html + "<p>No video was rejected.</p>\n";
  Table reasons("Rejected videos by reason", {"reason", "#videos"});
  int64_t rest = 0;
  for (size_t i = 0; i < manifest.rejections.size(); ++i) {
    const NamedCount& each = manifest.rejections[i];
    if (i < kReasonsAtMost) reasons.row({escape(each.name), grouped(each.count)});
    if (i >= kReasonsAtMost) rest += each.count;
  }
  if (rest > 0) reasons.row({"other reasons", grouped(rest)});
  return html + reasons.html();
}

std::string cache_table(const CacheSummary& cache) {
  Table table("Feature cache", {"what", "#value"});
  table.row({"records (clip views)", grouped(cache.records)});
  table.row({"shards", grouped(cache.shards)});
  table.row({"size", human_bytes(static_cast<double>(cache.bytes))});
  if (cache.records > 0) {
    table.row({"per record", human_bytes(static_cast<double>(cache.bytes) / static_cast<double>(cache.records))});
  }
  if (!cache.codec.empty()) table.row({"codec", escape(cache.codec)});
  table.row({"videos left out", grouped(cache.failed_videos)});
  return table.html();
}

std::string config_table(const std::vector<ConfigEntry>& entries, const std::string& caption) {
  Table table(caption, {"option", "value", "origin"});
  for (const ConfigEntry& entry : entries) {
    table.row(
        {"<code>" + escape(entry.name) + "</code>", "<code>" + escape(entry.value) + "</code>", escape(entry.origin)});
  }
  return table.html();
}

}  // namespace

std::string data_section(const RunSummary& run) {
  std::string body = run.manifest ? manifest_tables(*run.manifest) : absent("No manifest was given or found.");
  body += run.cache ? cache_table(*run.cache) : absent("No cache was given, or it has no index.json.");
  return section("data", "Data and cache", body);
}

std::string config_section(const RunSummary& run) {
  if (run.config.empty()) return section("config", "Settings", absent("Not recorded: there is no config.json."));
  std::vector<ConfigEntry> chosen = run.config;
  auto middle = std::stable_partition(chosen.begin(), chosen.end(),
                                      [](const ConfigEntry& entry) { return entry.origin != "default"; });
  std::vector<ConfigEntry> defaults(middle, chosen.end());
  chosen.erase(middle, chosen.end());
  std::string body =
      chosen.empty() ? "<p>Every option has its default.</p>\n" : config_table(chosen, "Options that were set");
  if (!defaults.empty()) {
    body += "<details><summary>" +
            plural(static_cast<int64_t>(defaults.size()), "option at its default", "options at their defaults") +
            "</summary>" + config_table(defaults, "Options at their defaults") + "</details>\n";
  }
  return section("config", "Settings", body);
}

std::string environment_section(const RunSummary& run) {
  if (run.environment.empty()) {
    return section("environment", "Environment", absent("Not recorded: there is no environment.json."));
  }
  Table table("Where it ran", {"what", "value"});
  for (const EnvironmentEntry& entry : run.environment) table.row({escape(entry.name), escape(entry.value)});
  return section("environment", "Environment", table.html());
}

}  // namespace permafrost::launch
