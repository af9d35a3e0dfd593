#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <numeric>
#include <optional>

#include "core/base/error.h"
#include "core/base/file_lock.h"
#include "core/base/log.h"
#include "core/base/parallel.h"
#include "data/dataset/label_lists.h"
#include "data/dataset/list.h"
#include "data/dataset/manifest.h"
#include "data/dataset/scan.h"
#include "data/dataset/scan_journal.h"
#include "data/video/decode_child.h"
#include "distributed/communicator.h"
#include "distributed/stop_signal.h"
#include "distributed/work_queue.h"
#include "launch/isolation.h"
#include "launch/progress.h"
#include "launch/verbs/dataset_verbs.h"

namespace permafrost::launch {
namespace {

constexpr int64_t kVideosPerUnit = 32;

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

// A folder of videos needs no list.
std::vector<std::string> lists_of(const Invocation& invocation) {
  const PathSettings& path = invocation.settings.path;
  std::vector<std::string> lists = path.lists;
  lists.insert(lists.end(), invocation.words.begin(), invocation.words.end());  // --list A B
  if (lists.empty()) lists.push_back(invocation.need(path.root, "list"));
  return lists;
}

std::string root_of(const std::string& root, const std::string& list) {
  if (!root.empty()) return root;
  const std::string folder =
      std::filesystem::is_directory(list) ? list : std::filesystem::path(list).parent_path().string();
  return folder.empty() ? "." : folder;
}

data::ListOptions list_options(const Settings& settings, const std::string& root) {
  data::ListOptions options{.root = root,
                            .format = settings.dataset.list_format,
                            .split = settings.dataset.split,
                            .fold = settings.dataset.fold,
                            .allow_outside_root = settings.has.allow_outside_root};
  if (!settings.text.labels.empty()) options.labels = data::find_labels(settings.text.labels);
  return options;
}

// A manifest of nothing helps nobody.
void require_usable_video(const data::Manifest& manifest, const std::string& list) {
  const auto& entries = manifest.entries;
  if (std::any_of(entries.begin(), entries.end(), [](const data::ManifestEntry& entry) { return entry.is_ok(); }))
    return;
  throw core::DataError(list + ": expected videos that can be used, found none among " +
                        std::to_string(entries.size()) + ": the first is rejected: " + entries.front().reason);
}

// One scan: what is listed, and how each video is probed.
struct Scan {
  std::string root;
  std::vector<data::ListedVideo> listed;
  data::ScanOptions options;
  std::optional<data::ChildLimits> isolation;
  int64_t threads = 1;
};

// Probes the videos at `places`, on threads of which each has a child process of its own where files are isolated.
class Prober {
 public:
  explicit Prober(const Scan& scan) : scan_(scan) {}

  void probe(const std::vector<int64_t>& places, data::ScanJournal& journal) {
    core::parallel_in_order(
        static_cast<int64_t>(places.size()), scan_.threads,
        [&](int64_t i) { return scan_one(scan_.listed[static_cast<size_t>(places[static_cast<size_t>(i)])]); },
        [&](int64_t i, const data::ManifestEntry& entry) { journal.add(places[static_cast<size_t>(i)], entry); });
  }

 private:
  data::ManifestEntry scan_one(const data::ListedVideo& video) {
    data::ScanOptions options = scan_.options;
    std::unique_ptr<data::DecodeChild> child = scan_.isolation ? lend() : nullptr;
    options.limits.child = child.get();
    data::ManifestEntry entry = data::scan_video(scan_.root, video, options);
    if (child) take_back(std::move(child));
    return entry;
  }

  std::unique_ptr<data::DecodeChild> lend() {
    const std::lock_guard lock(mutex_);
    if (idle_.empty()) return std::make_unique<data::DecodeChild>(*scan_.isolation);
    std::unique_ptr<data::DecodeChild> child = std::move(idle_.back());
    idle_.pop_back();
    return child;
  }

  void take_back(std::unique_ptr<data::DecodeChild> child) {
    const std::lock_guard lock(mutex_);
    idle_.push_back(std::move(child));
  }

  const Scan& scan_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<data::DecodeChild>> idle_;
};

// The places in the list that no journal knows, cut into units.
std::vector<std::vector<int64_t>> units_left(size_t listed, const std::map<int64_t, data::ManifestEntry>& found) {
  std::vector<std::vector<int64_t>> units;
  for (int64_t place = 0; place < static_cast<int64_t>(listed); ++place) {
    if (found.contains(place)) continue;
    if (units.empty() || static_cast<int64_t>(units.back().size()) == kVideosPerUnit) units.emplace_back();
    units.back().push_back(place);
  }
  return units;
}

// Shared over the ranks as they come free. Returns whether all of it is done.
bool probe_all(const Scan& scan, data::ScanJournal& journal, distributed::Communicator& world) {
  const std::map<int64_t, data::ManifestEntry> found = journal.found();
  world.barrier();  // all have read the journals before one is written
  if (world.is_root() && !found.empty()) {
    core::log_info() << journal.folder() << ": goes on with " << found.size() << " videos of an earlier scan";
  }
  const std::vector<std::vector<int64_t>> units = units_left(scan.listed.size(), found);
  std::vector<int64_t> numbers(units.size());
  std::iota(numbers.begin(), numbers.end(), int64_t{0});
  distributed::StopSignal stop;
  distributed::WorkQueue queue(world, numbers);
  const auto known = static_cast<int64_t>(found.size());
  Progress progress("dataset scan", static_cast<int64_t>(scan.listed.size()), "videos");  // told by rank 0
  Prober prober(scan);
  while (const std::optional<int64_t> unit = queue.next()) {
    prober.probe(units[static_cast<size_t>(*unit)], journal);
    if (world.is_root()) progress.set(known + (queue.finished() + 1) * kVideosPerUnit);
    if (stop.requested()) queue.close();
  }
  return !stop.agreed(world);
}

data::Manifest manifest_of(const Scan& scan, const data::ScanJournal& journal,
                           const std::optional<data::LabelMap>& labels) {
  data::Manifest manifest;
  manifest.root = scan.root;
  std::vector<std::string> names;
  for (auto& [place, entry] : journal.found()) {
    if (data::is_listed(entry)) names.push_back(entry.label);  // a class whose files are all lost is one still
    manifest.entries.push_back(entry);
  }
  if (manifest.entries.size() != scan.listed.size()) {
    throw core::IoError(journal.folder() + ": holds " + std::to_string(manifest.entries.size()) + " of " +
                        std::to_string(scan.listed.size()) +
                        " videos: files changed meanwhile, or its disk is not shared by all ranks; start again");
  }
  manifest.labels = labels ? *labels : data::LabelMap::sorted(names);
  return manifest;
}

}  // namespace

int scan_dataset(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::vector<std::string> lists = lists_of(invocation);
  const std::string out = invocation.need(settings.path.out, "out");
  Scan scan{.root = root_of(settings.path.root, lists.front()), .threads = place_threads(invocation)};
  const data::ListOptions options = list_options(settings, scan.root);
  scan.listed = data::read_lists(lists, options);
  scan.options.decode_to_end = settings.has.decode;
  scan.isolation = isolation_of(settings);

  distributed::Communicator world(*invocation.session);
  data::ScanJournal journal(out, data::scan_identity(scan.root, scan.listed, scan.options), scan.root);
  std::optional<core::DirectoryLock> lock;
  if (world.is_root()) lock.emplace(journal.folder());
  if (!probe_all(scan, journal, world)) {
    core::log_warning() << "stopped early; start the same command again to go on";
    return core::kExitRequeue;
  }
  world.barrier();
  if (world.is_root()) {
    const data::Manifest manifest = manifest_of(scan, journal, options.labels);
    data::write_manifest(out, manifest);
    log_summary(manifest, out);
    journal.remove();
    require_usable_video(manifest, lists.front());
  }
  world.barrier();
  return core::kExitDone;
}

}  // namespace permafrost::launch
