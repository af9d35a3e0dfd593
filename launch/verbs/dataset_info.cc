#include <algorithm>
#include <cstdio>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>

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
  std::set<std::string> files;  // of which several entries may be parts
  for (const data::ManifestEntry& entry : manifest.entries) {
    if (!entry.is_ok()) continue;
    SplitCount& split = splits[entry.split];
    ++split.usable;
    split.hours += data::seconds_that_count(entry) / 3600;
    if (files.insert(entry.path).second) split.bytes += entry.bytes;
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

// A line for each class, a column for each split.
void print_classes(const std::map<std::string, SplitCount>& splits, const data::LabelMap& labels) {
  std::cout << "\n";
  for (const auto& [name, split] : splits) std::printf("%8s", name.empty() ? "-" : name.c_str());
  std::printf("  usable videos of each class\n");
  for (const std::string& label : labels.names()) {
    for (const auto& [name, split] : splits) {
      const auto at = split.classes.find(label);
      std::printf("%8lld", static_cast<long long>(at == split.classes.end() ? 0 : at->second));
    }
    std::printf("  %s\n", label.c_str());
  }
  std::fflush(stdout);
}

void print(const std::string& path, const data::Manifest& manifest) {
  std::cout << path << ": " << manifest.entries.size() << " entries, " << manifest.labels.size() << " classes, root "
            << manifest.root << "\n";
  const std::map<std::string, SplitCount> splits = count_splits(manifest);
  for (const auto& [name, split] : splits) {
    char line[160];
    std::snprintf(line, sizeof line, "  %-6s %lld usable of %lld listed, %.2f hours, %.3f GB\n",
                  name.empty() ? "-" : name.c_str(), static_cast<long long>(split.usable),
                  static_cast<long long>(split.listed), split.hours, static_cast<double>(split.bytes) / 1e9);
    std::cout << line;
  }
  for (const auto& [reason, count] : data::count_by_reason(manifest)) {
    std::cout << "  rejected " << count << ": " << reason << "\n";
  }
  std::cout << std::flush;
  print_classes(splits, manifest.labels);
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
