#include <algorithm>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

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
#include "launch/training/run_directory.h"
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

// The index of an earlier build, or nothing where there is none or a damaged one: the shards say the same again.
std::optional<data::CacheIndex> find_index(const std::string& out) {
  if (!data::has_index(out)) return std::nullopt;
  try {
    return data::read_index(out);
  } catch (const core::DataError& error) {
    core::log_warning() << error.what() << ": made again from the shards";
    return std::nullopt;
  }
}

constexpr size_t kToldRejections = 3;

void tell_rejected(const std::vector<data::RejectedVideo>& rejected) {
  if (rejected.empty()) return;
  core::log_warning() << rejected.size() << " videos are rejected: mend their files and start again, or go on without"
                      << " them; `permafrost cache info` lists all";
  for (size_t i = 0; i < std::min(rejected.size(), kToldRejections); ++i) {
    core::log_warning() << "rejected: " << rejected[i].reason;
  }
}

// Where there is an index the cache is complete: unless it is another one, or its shards are gone since, or what it
// rejected has been repaired.
bool is_complete(const data::CacheBuilder& builder, const data::CacheKey& key, const std::string& out) {
  const std::optional<data::CacheIndex> index = find_index(out);
  if (!index) return false;
  data::require_equal(key, index->key, out);
  const std::vector<std::string> missing = data::missing_shards(out, *index);
  for (const std::string& shard : missing) core::log_warning() << "shard built again: " << shard;
  if (!missing.empty() || builder.has_repaired(index->rejected)) return false;
  core::log_info() << out << ": complete, nothing to do: " << described(*index);
  tell_rejected(index->rejected);
  return true;
}

// This rank's share of the units, as rank 0 hands them out. Returns their outcomes, and whether all of the work is
// done.
struct Share {
  std::vector<data::UnitOutcome> outcomes;
  bool is_stopped = false;
};

Share build_share(const data::CacheBuilder& builder, distributed::Communicator& world) {
  std::vector<int64_t> units(builder.units());
  for (size_t i = 0; i < units.size(); ++i) units[i] = static_cast<int64_t>(i);
  distributed::StopSignal stop;
  distributed::WorkQueue queue(world, units);
  Progress progress("cache build", builder.units(), "shards");  // of all ranks, told by rank 0
  Share share;
  while (const std::optional<int64_t> unit = queue.next()) {
    share.outcomes.push_back(builder.build_unit(*unit));
    if (world.is_root()) progress.set(queue.finished() + 1);
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
  for (const std::string& text : world.gather(json_text(mine, -1))) {
    for (const json& item : json::parse(text)) all.push_back(data::unit_outcome_from_json(item));
  }
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.summary.unit < b.summary.unit; });
  return all;
}

void publish_index(const data::CacheKey& key, const data::Manifest& manifest,
                   const std::vector<data::UnitOutcome>& outcomes, const std::string& out) {
  data::CacheIndex index{.key = key,
                         .labels = manifest.labels.names(),
                         .shards = {},
                         .rejected = {},
                         .listed = data::count_listed(manifest)};
  for (const data::UnitOutcome& outcome : outcomes) {
    index.shards.push_back(outcome.summary);
    index.rejected.insert(index.rejected.end(), outcome.rejected.begin(), outcome.rejected.end());
  }
  data::write_index(out, index);
  core::log_info() << out << ": complete: " << described(index) << ", " << index.rejected.size() << " videos rejected";
}

// A build under way has no index and nothing half-written.
void prepare_folder(const std::string& out) {
  data::remove_leftovers(out);
  data::remove_index(out);
}

int build(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string out = invocation.need(settings.path.out, "out");
  const data::Manifest manifest =
      data::read_manifest(invocation.need(settings.path.manifest, "manifest"), settings.has.allow_outside_root);
  core::FrozenEncoder encoder(
      invocation.need_encoder(),
      {.image_size = settings.cache.image_size, .dtype = core::precision_named(settings.cache.encoder_dtype)});
  require_architecture(settings, encoder.config(), settings.path.encoder);
  data::CacheKey key = make_cache_key(settings, encoder, manifest.labels);
  key.manifest_sha256 = data::manifest_identity(manifest);
  distributed::Communicator world(*invocation.session);
  const int64_t threads = place_threads(invocation);
  const data::CacheBuilder builder(data::ClipBuilder(encoder, key), manifest, out,
                                   {.videos_per_shard = settings.cache.videos_per_shard, .threads = threads});
  std::optional<core::DirectoryLock> lock;
  bool has_nothing_to_do = false;
  if (world.is_root()) {
    lock.emplace(out);
    has_nothing_to_do = is_complete(builder, key, out);
    if (!has_nothing_to_do) prepare_folder(out);
  }
  if (world.all_reduce_max(has_nothing_to_do ? 1 : 0) == 1) return core::kExitDone;

  const Share share = build_share(builder, world);
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
  std::cout << json_text(result, 2) << "\n";
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
