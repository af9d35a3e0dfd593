#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/error.h"
#include "core/base/log.h"
#include "data/dataset/label_lists.h"
#include "data/dataset/merge.h"
#include "launch/training/run_directory.h"
#include "launch/verbs/dataset_verbs.h"

namespace permafrost::launch {
namespace {

nlohmann::json to_json(const data::MergeReport& report) {
  nlohmann::json sources = nlohmann::json::array();
  for (const data::SourceReport& source : report.sources) {
    sources.push_back({{"manifest", source.name},
                       {"entries", source.entries},
                       {"usable", source.usable},
                       {"renamed", source.renamed},
                       {"duplicates", source.duplicates},
                       {"held_out", source.held_out},
                       {"no_class", source.no_class},
                       {"kept", source.kept}});
  }
  return {{"sources", sources}, {"conflicts", report.conflicts}, {"kept", report.kept}, {"classes", report.classes}};
}

void tell(const data::MergeReport& report, const std::string& out) {
  for (const data::SourceReport& source : report.sources) {
    core::log_info() << source.name << ": " << source.entries << " entries, " << source.usable << " usable, "
                     << source.renamed << " renamed; left out " << source.duplicates << " duplicates, "
                     << source.held_out << " held out, " << source.no_class << " without a class; kept " << source.kept;
  }
  if (report.conflicts > 0) {
    core::log_warning() << report.conflicts << " videos are listed under several labels: the first manifest's stands";
  }
  std::string splits;
  for (const auto& [split, count] : report.kept) {
    splits += (splits.empty() ? "" : ", ") + split + " " + std::to_string(count);
  }
  core::log_info() << out << ": " << report.classes << " classes, " << splits;
}

}  // namespace

int merge_datasets(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string out = invocation.need(settings.path.out, "out");
  if (invocation.words.empty()) throw core::ConfigError("dataset merge: expected manifests after it, found none");
  if (invocation.session->rank() != 0) return core::kExitDone;
  std::optional<data::LabelMap> order;
  if (!settings.text.labels.empty()) order = data::find_labels(settings.text.labels);
  std::vector<data::MergeSource> sources;
  for (const std::string& path : invocation.words) {
    std::error_code error;
    if (std::filesystem::equivalent(path, out, error)) {
      throw core::ConfigError("dataset merge: " + out + " is one of the manifests to merge: give another --out");
    }
    sources.push_back({path, data::read_manifest(path, settings.has.allow_outside_root)});
  }
  data::MergeReport report;
  data::write_manifest(out, data::merge_manifests(sources, order, report));
  tell(report, out);
  if (settings.has.json) std::cout << json_text(to_json(report), 2) << "\n";
  return core::kExitDone;
}

}  // namespace permafrost::launch
