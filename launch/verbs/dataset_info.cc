#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "data/dataset/manifest.h"
#include "launch/training/run_directory.h"
#include "launch/verbs/dataset_verbs.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

// Usable videos of one split, and what the lists name.
struct SplitCount {
  int64_t usable = 0;
  int64_t listed = 0;
  double hours = 0;
  int64_t bytes = 0;
  std::map<std::string, int64_t> classes;
};

std::map<std::string, SplitCount> count_splits(const data::Manifest& manifest) {
  std::map<std::string, SplitCount> splits;
  for (const auto& [split, listed] : data::count_listed(manifest)) splits[split].listed = listed;
  for (const data::ManifestEntry& entry : manifest.entries) {
    if (!entry.is_ok()) continue;
    SplitCount& split = splits[entry.split];
    ++split.usable;
    split.hours += data::seconds_that_count(entry) / 3600;
    split.bytes += entry.bytes;
    ++split.classes[entry.label];
  }
  return splits;
}

json describe(const std::string& path, const data::Manifest& manifest) {
  json splits = json::object();
  for (const auto& [name, split] : count_splits(manifest)) {
    splits[name] = {{"usable", split.usable},
                    {"listed", split.listed},
                    {"hours", split.hours},
                    {"bytes", split.bytes},
                    {"classes", split.classes}};
  }
  return {{"manifest", path},
          {"root", manifest.root},
          {"entries", manifest.entries.size()},
          {"labels", manifest.labels.size()},
          {"labels_sha256", manifest.labels.hash()},
          {"splits", splits},
          {"rejected", data::count_by_reason(manifest)}};
}

void print_classes(const SplitCount& split, const data::LabelMap& labels) {
  const auto [least, most] = std::minmax_element(split.classes.begin(), split.classes.end(),
                                                 [](const auto& a, const auto& b) { return a.second < b.second; });
  if (least == split.classes.end()) return;
  std::cout << "         from " << least->second << " ('" << least->first << "') to " << most->second << " ('"
            << most->first << "') a class\n";
  const int64_t empty = labels.size() - static_cast<int64_t>(split.classes.size());
  if (empty == 0) return;
  const auto first = std::find_if(labels.names().begin(), labels.names().end(),
                                  [&](const std::string& name) { return !split.classes.contains(name); });
  std::cout << "         " << empty << " classes without a usable video, the first '" << *first << "'\n";
}

void print(const std::string& path, const data::Manifest& manifest) {
  std::cout << path << ": " << manifest.entries.size() << " entries, " << manifest.labels.size() << " classes, root "
            << manifest.root << "\n";
  for (const auto& [name, split] : count_splits(manifest)) {
    char line[160];
    std::snprintf(line, sizeof line, "  %-6s %lld usable of %lld listed, %.2f hours, %.3f GB\n",
                  name.empty() ? "-" : name.c_str(), static_cast<long long>(split.usable),
                  static_cast<long long>(split.listed), split.hours, static_cast<double>(split.bytes) / 1e9);
    std::cout << line;
    print_classes(split, manifest.labels);
  }
  for (const auto& [reason, count] : data::count_by_reason(manifest)) {
    std::cout << "  rejected " << count << ": " << reason << "\n";
  }
}

}  // namespace

int tell_dataset(Invocation& invocation) {
  const std::string& path = invocation.need(invocation.settings.path.manifest, "manifest");
  if (invocation.session->rank() != 0) return core::kExitDone;
  const data::Manifest manifest = data::read_manifest(path, invocation.settings.has.allow_outside_root);
  if (invocation.settings.has.json) {
    std::cout << json_text(describe(path, manifest), 2) << "\n";
  } else {
    print(path, manifest);
  }
  return core::kExitDone;
}

}  // namespace permafrost::launch
