#include "launch/report/data_summary.h"

#include <algorithm>
#include <map>
#include <optional>

#include "launch/report/json_fields.h"

namespace permafrost::launch {
namespace {

void count_one(std::vector<NamedCount>& counts, const std::string& name) {
  auto found = std::find_if(counts.begin(), counts.end(), [&](const NamedCount& each) { return each.name == name; });
  if (found == counts.end()) {
    counts.push_back({name, 1});
  } else {
    ++found->count;
  }
}

void count_entry(const Fields& line, ManifestSummary& summary, std::map<std::string, int64_t>& reasons) {
  ++summary.videos;
  std::string status = line.text("status");
  if (status == "ok") {
    count_one(summary.splits, line.text("split"));
    double seconds = line.number_or("duration_seconds", 0);
    if (std::isfinite(seconds)) summary.seconds += seconds;
  } else if (status == "rejected") {
    ++reasons[line.text("reason")];
  } else {
    line.complain("status", "ok or rejected", "'" + status + "'");
  }
}

}  // namespace

CacheSummary read_cache_summary(const std::string& path) {
  Fields index = Fields::of_file(path);
  CacheSummary summary;
  for (const Fields& shard : index.objects("shards")) {
    ++summary.shards;
    summary.records += shard.count("records");
    summary.bytes += shard.count("bytes");
  }
  if (index.has("rejected")) summary.failed_videos = static_cast<int64_t>(index.array("rejected").size());
  if (index.has("key") && index.json().at("key").is_object()) {
    summary.codec = Fields(index.json().at("key"), path + ": key").text_or("codec", "");
  }
  return summary;
}

ManifestSummary read_manifest_summary(const std::string& path) {
  ManifestSummary summary;
  std::map<std::string, int64_t> reasons;
  std::optional<Fields> header;
  int64_t cut_lines = for_each_json_line(path, [&](const Fields& line) {
    if (header) {
      count_entry(line, summary, reasons);
      return;
    }
    int64_t version = line.count("permafrost_manifest");
    if (version != 1) line.complain("permafrost_manifest", "version 1", "version " + std::to_string(version));
    if (line.has("labels")) summary.labels = static_cast<int64_t>(line.array("labels").size());
    header = line;
  });
  if (!header) {
    Fields(nlohmann::json::object(), path + ":1").complain("permafrost_manifest", "a header line", "an empty file");
  }
  int64_t entries = header->count_or("entries", summary.videos);
  if (cut_lines > 0 || entries != summary.videos) {
    header->complain("entries", std::to_string(entries) + " lines", std::to_string(summary.videos));
  }
  for (const auto& [reason, count] : reasons) summary.rejections.push_back({reason, count});
  std::stable_sort(summary.rejections.begin(), summary.rejections.end(),
                   [](const NamedCount& a, const NamedCount& b) { return a.count > b.count; });
  return summary;
}

}  // namespace permafrost::launch
