#include <cstdio>

#include "core/base/error.h"
#include "core/base/log.h"
#include "data/cache/verify_cache.h"
#include "launch/cache_job.h"
#include "launch/placement.h"
#include "launch/verbs/cache_verbs.h"

namespace permafrost::launch {
namespace {

LabelById labels_of(const data::CacheIndex& index) {
  LabelById labels;
  for (const data::ShardSummary& shard : index.shards) {
    for (const data::ShardVideo& video : shard.videos) labels.emplace(video.id, video.label);
  }
  return labels;
}

// Builds what is gone once the broken files are, and nothing else.
int rebuild(CacheJob& job, const std::vector<data::CacheProblem>& problems, const data::CacheIndex& index) {
  const std::vector<data::BuildUnit> units = data::units_of(index, job.manifest());  // before anything is deleted
  if (job.world().is_root()) data::remove_broken(job.directory(), index, problems);
  job.world().barrier();
  auto shards = job.work(units, "cache repair");
  if (!shards) return core::kExitRequeue;
  if (job.world().is_root()) {
    data::CacheIndex repaired = index;
    set_labels(labels_of(index), *shards);
    repaired.shards = std::move(*shards);
    job.publish(std::move(repaired));
  }
  job.world().barrier();
  return core::kExitDone;
}

int repair_cache(Invocation& invocation, const std::string& cache) {
  CacheJob job(invocation, cache);
  job.lock();
  const std::optional<data::FoundIndex> found = data::find_index(cache);
  if (!found) {
    throw core::DataError(
        cache + ": neither its index nor the copy can be read, so there is no knowing what should be " +
        "there: with the options it was built with, `cache build` makes both again from whole shards");
  }
  job.use(found->index.key);
  job.world().barrier();  // all have read it
  std::vector<data::CacheProblem> problems;
  if (job.world().is_root()) {
    const data::VerifyOptions options{.deep = invocation.settings.has.deep, .threads = job.threads()};
    problems =
        found->is_published ? data::verify_cache(cache, options) : data::verify_cache(cache, found->index, options);
    for (const data::CacheProblem& problem : problems) core::log_warning() << problem.text;
    if (problems.empty() && !found->is_published) data::write_index(cache, found->index);
    if (problems.empty()) core::log_info() << cache << ": whole" << (found->is_published ? "" : ", its index restored");
  }
  if (job.world().all_reduce_max(static_cast<int64_t>(problems.size())) == 0) return core::kExitDone;
  return rebuild(job, problems, found->index);
}

}  // namespace

int verify_cache_files(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string& cache = invocation.need(settings.path.cache, "cache");
  if (settings.has.repair) return repair_cache(invocation, cache);
  if (invocation.session->rank() != 0) return core::kExitDone;
  const std::vector<data::CacheProblem> problems =
      data::verify_cache(cache, {.deep = settings.has.deep, .threads = place_threads(invocation)});
  for (const data::CacheProblem& problem : problems) core::log_error() << problem.text;
  if (problems.empty()) std::printf("%s: whole\n", cache.c_str());
  return problems.empty() ? core::kExitDone : core::kExitError;
}

}  // namespace permafrost::launch
