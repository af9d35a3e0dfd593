#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file_lock.h"
#include "core/base/log.h"
#include "core/encoder/frozen_encoder.h"
#include "core/encoder/precision.h"
#include "data/cache/cache_builder.h"
#include "data/cache/cache_index.h"
#include "data/dataset/mirrored_label.h"
#include "distributed/communicator.h"
#include "distributed/stop_signal.h"
#include "distributed/work_queue.h"
#include "launch/geometry.h"
#include "launch/progress.h"
#include "launch/training/trained_model.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

std::string described(const data::CacheIndex& index) {
  char text[160];
  std::snprintf(text, sizeof text, "%lld clips in %zu shards, %.1f MB", static_cast<long long>(index.records()),
                index.shards.size(), static_cast<double>(index.bytes()) / 1e6);
  return text;
}

// Where there is an index the cache is complete: all that is left to ask is whether it is this one.
bool is_complete(const data::CacheKey& key, const std::string& out) {
  if (!data::has_index(out)) return false;
  const data::CacheIndex index = data::read_index(out);
  data::require_equal(key, index.key, out);
  core::log_info() << out << ": complete, nothing to do: " << described(index);
  return true;
}

// This rank's share of the units, as rank 0 hands them out. Returns their outcomes, and whether all of the work is
// done.
struct Share {
  std::vector<data::UnitOutcome> outcomes;
  bool is_stopped = false;
};

Share build_share(const data::CacheBuilder& builder, distributed::Communicator& world, int64_t clips_in_all) {
  std::vector<int64_t> units(builder.units());
  for (size_t i = 0; i < units.size(); ++i) units[i] = static_cast<int64_t>(i);
  distributed::StopSignal stop;
  distributed::WorkQueue queue(world, units);
  Progress progress("cache build", clips_in_all / world.size(), "clips");
  Share share;
  while (const std::optional<int64_t> unit = queue.next()) {
    share.outcomes.push_back(builder.build_unit(*unit));
    progress.add(share.outcomes.back().summary.records);
    if (stop.requested()) queue.close();
  }
  share.is_stopped = stop.agreed(world);
  return share;
}

// Every rank's outcomes in the order of their units, on rank 0.
std::vector<data::UnitOutcome> gather_outcomes(distributed::Communicator& world, const Share& share) {
  json mine = json::array();
  for (const data::UnitOutcome& outcome : share.outcomes) mine.push_back(data::to_json(outcome));
  std::vector<data::UnitOutcome> all;
  for (const std::string& text : world.gather(mine.dump())) {
    for (const json& item : json::parse(text)) all.push_back(data::unit_outcome_from_json(item));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.summary.unit < b.summary.unit; });
  return all;
}

void publish_index(const data::CacheKey& key, const data::Manifest& manifest,
                   const std::vector<data::UnitOutcome>& outcomes, const std::string& out) {
  data::CacheIndex index{.key = key, .labels = manifest.labels.names(), .shards = {}, .rejected = {}};
  for (const data::UnitOutcome& outcome : outcomes) {
    index.shards.push_back(outcome.summary);
    index.rejected.insert(index.rejected.end(), outcome.rejected.begin(), outcome.rejected.end());
  }
  data::write_index(out, index);
  core::log_info() << out << ": complete: " << described(index) << ", " << index.rejected.size() << " videos rejected";
}

int build(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string out = invocation.need(settings.path.out, "out");
  const data::Manifest manifest = data::read_manifest(invocation.need(settings.path.manifest, "manifest"));
  core::FrozenEncoder encoder(
      invocation.need(settings.path.encoder, "encoder"),
      {.image_size = settings.cache.image_size, .dtype = core::precision_named(settings.cache.encoder_dtype)});
  require_architecture(settings, encoder.config(), settings.path.encoder);
  data::CacheKey key = make_cache_key(settings, encoder, manifest.labels);
  key.manifest_sha256 = data::manifest_identity(manifest);
  distributed::Communicator world(*invocation.session);
  std::optional<core::DirectoryLock> lock;
  bool has_nothing_to_do = false;
  if (world.is_root()) {
    lock.emplace(out);
    has_nothing_to_do = is_complete(key, out);
    if (!has_nothing_to_do) data::remove_leftovers(out);
  }
  if (world.all_reduce_max(has_nothing_to_do ? 1 : 0) == 1) return core::kExitDone;

  const int64_t threads = place_threads(invocation);
  const data::CacheBuilder builder(data::ClipBuilder(encoder, key), manifest, out,
                                   {.videos_per_shard = settings.cache.videos_per_shard, .threads = threads});
  const Share share = build_share(builder, world, builder.clips());
  if (share.is_stopped) {
    core::log_warning() << "stopped early; start the same command again to go on";
    return core::kExitRequeue;
  }
  const std::vector<data::UnitOutcome> outcomes = gather_outcomes(world, share);
  if (world.is_root()) publish_index(key, manifest, outcomes, out);
  world.barrier();
  return core::kExitDone;
}

int verify(Invocation& invocation) {
  if (invocation.session->rank() != 0) return core::kExitDone;
  const std::string& cache = invocation.need(invocation.settings.path.cache, "cache");
  const std::vector<data::CacheProblem> problems = data::verify_cache(cache);
  for (const data::CacheProblem& problem : problems) core::log_error() << problem.text;
  if (problems.empty()) std::cout << cache << ": whole\n";
  return problems.empty() ? core::kExitDone : core::kExitError;
}

int info(Invocation& invocation) {
  if (invocation.session->rank() != 0) return core::kExitDone;
  const std::string& cache = invocation.need(invocation.settings.path.cache, "cache");
  const data::CacheIndex index = data::read_index(cache);
  json rejected = json::array();
  for (const data::RejectedVideo& video : index.rejected) {
    rejected.push_back({{"video_id", video.video_id}, {"path", video.path}, {"reason", video.reason}});
  }
  const json result{{"cache", cache},
                    {"key", data::to_json(index.key)},
                    {"classes", index.labels.size()},
                    {"records", index.records()},
                    {"shards", index.shards.size()},
                    {"bytes", index.bytes()},
                    {"rejected", rejected}};
  std::cout << result.dump(2) << "\n";
  return core::kExitDone;
}

}  // namespace

int run_cache(Invocation& invocation) {
  const std::string what = invocation.words.empty() ? "" : invocation.words[0];
  if (what == "build") return build(invocation);
  if (what == "verify") return verify(invocation);
  if (what == "info") return info(invocation);
  throw core::ConfigError("expected `cache build`, `cache verify` or `cache info`, found '" + what + "'");
}

}  // namespace permafrost::launch
