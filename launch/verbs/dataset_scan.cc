#include <algorithm>
#include <filesystem>
#include <map>

#include "core/base/error.h"
#include "core/base/log.h"
#include "data/dataset/list.h"
#include "data/dataset/manifest.h"
#include "distributed/communicator.h"
#include "launch/verbs/dataset_verbs.h"

namespace permafrost::launch {
namespace {

// "bad line" -> the whole reason of the first video that is rejected for it, which names the line or the file.
std::map<std::string, std::string> first_reasons(const data::Manifest& manifest) {
  std::map<std::string, std::string> first;
  for (const data::ManifestEntry& entry : manifest.entries) {
    if (entry.is_ok()) continue;
    const std::string where = entry.path.empty() ? "" : entry.path + ": ";
    first.emplace(entry.reason.substr(0, entry.reason.find(':')), where + entry.reason);
  }
  return first;
}

void log_summary(const data::Manifest& manifest, const std::string& path) {
  int64_t rejected = 0;
  const std::map<std::string, std::string> first = first_reasons(manifest);
  for (const auto& [kind, count] : data::count_by_reason(manifest)) {
    core::log_warning() << "rejected " << count << ", the first: " << first.at(kind);
    rejected += count;
  }
  core::log_info() << path << ": " << manifest.entries.size() - rejected << " videos of " << manifest.labels.size()
                   << " classes, " << rejected << " rejected";
}

std::string root_of(const PathSettings& path) {
  if (!path.root.empty()) return path.root;
  const std::string folder = std::filesystem::path(path.lists.front()).parent_path().string();
  return folder.empty() ? "." : folder;
}

// A manifest of nothing helps nobody.
void require_usable_video(const data::Manifest& manifest, const std::string& list) {
  const auto& entries = manifest.entries;
  if (std::any_of(entries.begin(), entries.end(), [](const data::ManifestEntry& entry) { return entry.is_ok(); }))
    return;
  throw core::DataError(list + ": expected videos that can be used, found none among " +
                        std::to_string(entries.size()) + ": the first is rejected: " + entries.front().reason);
}

}  // namespace

// Every rank probes every size()-th video; rank 0 puts them back in the list's order.
int scan_dataset(Invocation& invocation) {
  const PathSettings& path = invocation.settings.path;
  const std::string list_path = invocation.need(path.lists.empty() ? "" : path.lists.front(), "list");
  const std::string root = root_of(path);
  const std::string out = invocation.need(path.out, "out");
  const std::vector<data::ListedVideo> listed = data::read_list(list_path, {.root = root});
  distributed::Communicator world(*invocation.session);
  data::ScanOptions options;
  options.decode_to_end = invocation.settings.has.decode;
  data::Manifest mine;
  for (size_t i = world.rank(); i < listed.size(); i += world.size()) {
    mine.entries.push_back(data::scan_video(root, listed[i], options));
  }
  const std::vector<std::string> parts = world.gather(data::entries_to_text(mine.entries));
  if (world.is_root()) {
    std::vector<std::vector<data::ManifestEntry>> by_rank;
    for (const std::string& part : parts) by_rank.push_back(data::entries_from_text(part));
    data::Manifest manifest;
    manifest.root = root;
    std::vector<std::string> labels;
    for (size_t i = 0; i < listed.size(); ++i) {
      manifest.entries.push_back(by_rank[i % by_rank.size()][i / by_rank.size()]);
      if (!manifest.entries.back().label.empty()) labels.push_back(manifest.entries.back().label);
    }
    manifest.labels = data::LabelMap::sorted(labels);
    data::write_manifest(out, manifest);
    log_summary(manifest, out);
    require_usable_video(manifest, list_path);
  }
  world.barrier();
  return core::kExitDone;
}

}  // namespace permafrost::launch
