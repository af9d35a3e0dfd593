#include <algorithm>
#include <map>
#include <optional>
#include <set>

#include "core/base/error.h"
#include "core/base/log.h"
#include "data/cache/cache_index.h"
#include "launch/cache_job.h"
#include "launch/recode_mark.h"
#include "launch/verbs/cache_verbs.h"

namespace permafrost::launch {
namespace {

constexpr size_t kToldRejections = 3;

void tell_rejected(const std::vector<data::RejectedVideo>& rejected) {
  if (rejected.empty()) return;
  core::log_warning() << rejected.size()
                      << " videos are rejected: put their files back and start again, mend them and scan again, "
                      << "start with --retry-rejected where the machine was at fault, or go on without them; "
                      << "`permafrost cache info` lists all";
  for (size_t i = 0; i < std::min(rejected.size(), kToldRejections); ++i) {
    core::log_warning() << "rejected: " << rejected[i].reason;
  }
}

// A cache of nothing would pass for one: what is wrong with every video is seldom the videos.
void require_records(const std::vector<data::ShardSummary>& shards, const std::string& directory) {
  const data::CacheIndex index{.shards = shards};
  if (index.records() > 0 || index.rejected().empty()) return;
  throw core::DataError(directory + ": every video is rejected, " + std::to_string(index.rejected().size()) +
                        " in all, the first: " + index.rejected().front().reason);
}

// Whether all that is asked for is there. Throws DataError where it is another cache.
bool is_complete(CacheJob& job, const data::FoundIndex& found) {
  const data::CacheIndex& index = found.index;
  data::CacheKey asked = job.key();
  if (asked.codec.name == index.key.codec.name) asked.codec = index.key.codec;
  data::require_equal(asked, index.key, job.directory());
  if (const auto missing = job.missing_from(index); !missing.empty()) {
    throw core::DataError(job.directory() + ": complete, without " + std::to_string(missing.size()) +
                          " videos of this manifest, the first of them " + missing.front()->id +
                          ": take them in by `cache add`, or build into another folder");
  }
  const std::vector<std::string> gone = data::missing_shards(job.directory(), index);
  for (const std::string& shard : gone) core::log_warning() << "shard built again: " << shard;
  if (!gone.empty() || !found.is_published) return false;
  job.continue_with(index.key);
  if (job.make_builder(data::units_of(index, job.manifest())).has_repaired(index.rejected())) return false;
  if (!data::has_good_copy(job.directory())) data::write_index(job.directory(), index);
  core::log_info() << job.directory() << ": complete, nothing to do: " << describe(index);
  tell_rejected(index.rejected());
  return true;
}

// The map that has the classes of both.
std::vector<std::string> united_labels(const data::CacheIndex& index, const data::Manifest& manifest) {
  const data::LabelMap old(index.labels);
  const auto holds = [](const data::LabelMap& all, const std::vector<std::string>& names) {
    return std::all_of(names.begin(), names.end(), [&](const std::string& name) { return all.has(name); });
  };
  if (holds(old, manifest.labels.names())) return index.labels;
  if (holds(manifest.labels, index.labels)) return manifest.labels.names();
  throw core::DataError(
      "the manifest has classes that the cache has not, and the other way round: scan with a label map "
      "that holds both, or `cache relabel` first");
}

// Videos that the lists name: as the manifest says where it names all of the cache's, else both together.
std::map<std::string, int64_t> united_counts(const data::CacheIndex& index, const data::Manifest& manifest) {
  const std::set<std::string> cached = index.ids();
  std::set<std::string> unnamed = cached;
  for (const data::ManifestEntry& entry : manifest.entries) unnamed.erase(entry.id);
  if (unnamed.empty()) return data::count_listed(manifest);
  std::map<std::string, int64_t> counts = index.listed;
  for (const data::ManifestEntry& entry : manifest.entries) {
    if (data::is_listed(entry) && !cached.contains(entry.id)) ++counts[entry.split];
  }
  return counts;
}

data::CacheIndex united_index(data::CacheIndex index, const data::Manifest& manifest,
                              const std::vector<data::ShardSummary>& shards) {
  index.listed = united_counts(index, manifest);
  index.labels = united_labels(index, manifest);
  index.shards.insert(index.shards.end(), shards.begin(), shards.end());
  return index;
}

}  // namespace

int build_cache(Invocation& invocation) {
  CacheJob job(invocation, invocation.need(invocation.settings.path.out, "out"));
  const int64_t videos_per_shard = invocation.settings.cache.videos_per_shard;
  job.use_options();
  job.lock();
  require_no_recode(job.directory());
  const std::optional<data::FoundIndex> found = data::find_index(job.directory());
  const bool has_nothing_to_do = job.world().is_root() && found && is_complete(job, *found);
  if (job.world().all_reduce_max(has_nothing_to_do ? 1 : 0) == 1) return core::kExitDone;
  if (job.world().is_root()) {  // a build under way has no index
    found ? data::take_index_away(job.directory(), found->index) : data::remove_index(job.directory());
  }
  if (found) {
    job.continue_with(found->index.key);
  } else {
    job.settle_codec();
  }
  auto shards = job.work(found ? data::units_of(found->index, job.manifest())
                               : data::cut_units(data::usable_entries(job.manifest()), videos_per_shard),
                         "cache build");
  if (!shards) return core::kExitRequeue;
  if (job.world().is_root()) {
    require_records(*shards, job.directory());
    job.publish({.key = job.key(),
                 .labels = job.manifest().labels.names(),
                 .shards = std::move(*shards),
                 .removed = found ? found->index.removed : std::set<std::string>(),
                 .listed = data::count_listed(job.manifest())});
  }
  job.world().barrier();
  return core::kExitDone;
}

int add_to_cache(Invocation& invocation) {
  const PathSettings& path = invocation.settings.path;
  CacheJob job(invocation, path.cache.empty() ? invocation.need(path.out, "cache") : path.cache);
  job.lock();
  const data::CacheIndex index = data::read_index(job.directory());
  job.use(index.key);
  const std::vector<const data::ManifestEntry*> entries = job.missing_from(index);
  if (entries.empty()) {
    if (job.world().is_root())
      core::log_info() << job.directory() << ": has every video of the manifest, nothing to do";
    return core::kExitDone;
  }
  united_labels(index, job.manifest());  // throws before hours are spent
  int64_t next = 0;
  for (const data::ShardSummary& shard : index.shards) next = std::max(next, shard.unit + 1);
  const auto shards = job.work(data::cut_units(entries, invocation.settings.cache.videos_per_shard, next), "cache add");
  if (!shards) return core::kExitRequeue;  // what is there stays complete, and new shards wait for the next start
  if (job.world().is_root()) job.publish(united_index(index, job.manifest(), *shards));
  job.world().barrier();
  return core::kExitDone;
}

}  // namespace permafrost::launch
