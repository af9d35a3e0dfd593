#include "launch/report/data_summary.h"

#include <algorithm>
#include <map>

#include "data/dataset/manifest.h"
#include "launch/report/json_fields.h"

namespace permafrost::launch {
namespace {

std::vector<NamedCount> most_first(const std::map<std::string, int64_t>& counts) {
  std::vector<NamedCount> list;
  for (const auto& [name, count] : counts) list.push_back({name, count});
  std::stable_sort(list.begin(), list.end(),
                   [](const NamedCount& a, const NamedCount& b) { return a.count > b.count; });
  return list;
}

}  // namespace

CacheSummary read_cache_summary(const std::string& path) {
  Fields index = Fields::of_file(path);
  CacheSummary summary;
  const Fields totals(index.has("totals") ? index.json().at("totals") : nlohmann::json(), path + ": totals");
  summary.shards = totals.count("shards");
  summary.records = totals.count("records");
  summary.bytes = totals.count("bytes");
  summary.failed_videos = totals.count("rejected");
  if (index.has("key") && index.json().at("key").is_object()) {
    summary.codec = Fields(index.json().at("key"), path + ": key").text_or("codec", "");
  }
  return summary;
}

ManifestSummary read_manifest_summary(const std::string& path) {
  const data::Manifest manifest = data::read_manifest(path, /*allow_outside_root=*/true);
  ManifestSummary summary;
  summary.videos = static_cast<int64_t>(manifest.entries.size());
  summary.labels = manifest.labels.size();
  std::map<std::string, int64_t> splits;
  for (const data::ManifestEntry& entry : manifest.entries) {
    if (!entry.is_ok()) continue;
    ++splits[entry.split];
    summary.seconds += data::seconds_that_count(entry);
  }
  summary.splits = most_first(splits);
  summary.rejections = most_first(data::count_by_reason(manifest));
  return summary;
}

}  // namespace permafrost::launch
