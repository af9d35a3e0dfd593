#include <algorithm>
#include <filesystem>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
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
#include "launch/placement.h"
#include "launch/progress.h"
#include "launch/verbs/dataset_verbs.h"

namespace permafrost::launch {
namespace {

constexpr size_t kVideosPerUnit = 32;
constexpr int64_t kToldOfAKind = 10;

// Each rejected video by the kind of its reason, with the line or the file that it names: the first of each kind.
void log_rejected(const data::Manifest& manifest) {
  std::map<std::string, int64_t> told;
  for (const data::ManifestEntry& entry : manifest.entries) {
    if (entry.is_ok() || ++told[entry.reason.substr(0, entry.reason.find(':'))] > kToldOfAKind) continue;
    const bool names_file = entry.path.empty() || entry.reason.find(entry.path) != std::string::npos;
    core::log_warning() << "rejected: " << (names_file ? "" : entry.path + ": ") << entry.reason;
  }
}

void log_summary(const data::Manifest& manifest, const std::string& path) {
  log_rejected(manifest);
  int64_t rejected = 0;
  for (const auto& [kind, count] : data::count_by_reason(manifest)) {
    core::log_warning() << "rejected " << count << ": " << kind
                        << (count > kToldOfAKind ? ": all are in the manifest" : "");
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

// Places in the list that share their file, one after the other.
using Group = std::vector<int64_t>;

// Probes files, on threads of which each has a child process of its own where files are isolated.
class Prober {
 public:
  explicit Prober(const Scan& scan) : scan_(scan) {}

  void probe(const std::vector<Group>& groups, data::ScanJournal& journal) {
    core::parallel_in_order(
        static_cast<int64_t>(groups.size()), scan_.threads,
        [&](int64_t i) { return probe_group(groups[static_cast<size_t>(i)], journal); },
        [&](int64_t, const Found& found) {
          for (size_t i = 0; i < found.videos.size(); ++i) journal.add(found.videos[i], found.stamp, found.entries[i]);
        });
  }

 private:
  struct Found {
    std::vector<data::ListedVideo> videos;
    std::string stamp;
    std::vector<data::ManifestEntry> entries;
  };

  Found probe_group(const Group& group, const data::ScanJournal& journal) {
    Found found;
    for (const int64_t place : group) found.videos.push_back(scan_.listed[static_cast<size_t>(place)]);
    found.stamp = journal.stamp(found.videos.front());
    data::ScanOptions options = scan_.options;
    std::unique_ptr<data::DecodeChild> child = scan_.isolation ? lend() : nullptr;
    options.limits.child = child.get();
    found.entries = data::scan_parts(scan_.root, found.videos, options);
    if (child) take_back(std::move(child));
    return found;
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

// What is listed, is usable and not found yet, cut into units of whole groups.
std::vector<std::vector<Group>> units_left(const std::vector<data::ListedVideo>& listed,
                                           const std::map<int64_t, data::ManifestEntry>& found) {
  std::vector<std::vector<Group>> units;
  std::string last_path;
  size_t in_unit = kVideosPerUnit;
  for (size_t place = 0; place < listed.size(); ++place) {
    const data::ListedVideo& video = listed[place];
    if (video.is_rejected() || found.contains(static_cast<int64_t>(place))) continue;
    const bool is_next_part = !units.empty() && video.path == last_path;
    if (!is_next_part && in_unit >= kVideosPerUnit) {
      units.emplace_back();
      in_unit = 0;
    }
    if (!is_next_part) units.back().emplace_back();
    units.back().back().push_back(static_cast<int64_t>(place));
    last_path = video.path;
    ++in_unit;
  }
  return units;
}

// Rank 0 looks what there is to do, for all.
std::vector<std::vector<Group>> agree_on_units(const Scan& scan, const data::ScanJournal& journal,
                                               distributed::Communicator& world) {
  const std::vector<std::string> seen = world.all_gather_strings(data::identity_of(scan.listed));
  if (std::any_of(seen.begin(), seen.end(), [&](const std::string& one) { return one != seen.front(); })) {
    throw core::IoError(scan.root +
                        ": not all ranks see the same files and lists there: wait for its disk, or for a "
                        "download to end");
  }
  std::string text;
  if (world.is_root()) {
    const std::map<int64_t, data::ManifestEntry> found = journal.found(scan.listed);
    if (!found.empty()) {
      core::log_info() << journal.folder() << ": goes on with " << found.size() << " videos of an earlier scan";
    }
    text = nlohmann::json(units_left(scan.listed, found)).dump();
  }
  return nlohmann::json::parse(world.broadcast(text)).get<std::vector<std::vector<Group>>>();
}

// Shared over the ranks as they come free. Returns whether all of it is done.
bool probe_all(const Scan& scan, data::ScanJournal& journal, distributed::Communicator& world) {
  const std::vector<std::vector<Group>> units = agree_on_units(scan, journal, world);
  std::vector<int64_t> numbers(units.size());
  std::iota(numbers.begin(), numbers.end(), int64_t{0});
  distributed::StopSignal stop;
  distributed::WorkQueue queue(world, numbers);
  const auto videos = static_cast<int64_t>(units.size() * kVideosPerUnit);  // about
  Progress progress("dataset scan", videos, "videos");                      // told by rank 0
  Prober prober(scan);
  while (const std::optional<int64_t> unit = queue.next()) {
    prober.probe(units[static_cast<size_t>(*unit)], journal);
    if (world.is_root()) progress.set((queue.finished() + 1) * static_cast<int64_t>(kVideosPerUnit));
    if (stop.requested()) queue.close();
  }
  return !stop.agreed(world);
}

data::Manifest manifest_of(const Scan& scan, const data::ScanJournal& journal,
                           const std::optional<data::LabelMap>& labels) {
  std::map<int64_t, data::ManifestEntry> found = journal.found(scan.listed);
  data::Manifest manifest;
  manifest.root = scan.root;
  std::vector<std::string> names;
  for (size_t i = 0; i < scan.listed.size(); ++i) {
    const data::ListedVideo& video = scan.listed[i];
    const auto at = found.find(static_cast<int64_t>(i));
    if (!video.is_rejected() && at == found.end()) {
      throw core::IoError(journal.folder() + ": nothing of '" + video.id +
                          "', which was probed: its file changed meanwhile, or this disk is not shared by all ranks; "
                          "start again");
    }
    manifest.entries.push_back(video.is_rejected() ? data::scan_video(scan.root, video) : std::move(at->second));
    // A class whose files are all lost is one still.
    if (data::is_listed(manifest.entries.back())) names.push_back(manifest.entries.back().label);
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
  data::ScanJournal journal(out, scan.root, scan.options);
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
