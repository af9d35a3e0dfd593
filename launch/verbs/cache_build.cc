#include <algorithm>
#include <filesystem>
#include <map>
#include <optional>
#include <set>

#include "core/base/error.h"
#include "core/base/file_lock.h"
#include "core/base/log.h"
#include "core/encoder/frozen_encoder.h"
#include "core/encoder/precision.h"
#include "data/cache/cache_builder.h"
#include "data/cache/cache_reader.h"
#include "data/cache/verify_cache.h"
#include "distributed/communicator.h"
#include "launch/cache_codec.h"
#include "launch/free_space.h"
#include "launch/geometry.h"
#include "launch/shard_work.h"
#include "launch/training/trained_model.h"
#include "launch/verbs/cache_verbs.h"

namespace permafrost::launch {
namespace {

constexpr size_t kToldRejections = 3;

std::string described(const data::CacheIndex& index) {
  char text[160];
  std::snprintf(text, sizeof text, "%lld clips of %lld videos in %zu shards, %.1f MB",
                static_cast<long long>(index.records()), static_cast<long long>(index.videos()), index.shards.size(),
                static_cast<double>(index.bytes()) / 1e6);
  return text;
}

void tell_rejected(const std::vector<data::RejectedVideo>& rejected) {
  if (rejected.empty()) return;
  core::log_warning() << rejected.size() << " videos are rejected: mend their files and start again, or go on without"
                      << " them; `permafrost cache info` lists all";
  for (size_t i = 0; i < std::min(rejected.size(), kToldRejections); ++i) {
    core::log_warning() << "rejected: " << rejected[i].reason;
  }
}

// What an earlier build has published; from the copy where index.json is damaged, or a change was killed.
struct Earlier {
  data::CacheIndex index;
  bool is_published = false;
};

std::optional<Earlier> find_earlier(const std::string& out) {
  try {
    if (data::has_index(out)) return Earlier{data::read_index(out), true};
  } catch (const core::DataError& error) {
    core::log_warning() << error.what();
  }
  try {
    if (data::has_copy(out) && data::has_shards(out)) return Earlier{data::read_copy(out), false};
  } catch (const core::DataError& error) {
    core::log_warning() << error.what() << ": made again from the shards";
  }
  return std::nullopt;
}

// A cache of nothing would pass for one: what is wrong with every video is seldom the videos.
void require_records(const std::vector<data::ShardSummary>& shards, const std::string& out) {
  const data::CacheIndex index{.shards = shards};
  if (index.records() > 0 || index.rejected().empty()) return;
  throw core::DataError(out + ": every video is rejected, " + std::to_string(index.rejected().size()) +
                        " in all, the first: " + index.rejected().front().reason);
}

// What a build is given: videos, and what turns them into features.
class Builder {
 public:
  Builder(Invocation& invocation, std::string out)
      : settings_(invocation.settings),
        out_(std::move(out)),
        manifest_(data::read_manifest(invocation.need(settings_.path.manifest, "manifest"),
                                      settings_.has.allow_outside_root)),
        world_(*invocation.session),
        threads_(place_threads(invocation)),
        encoder_path_(invocation.need_encoder()) {}

  int build();
  int add();
  int repair(const std::vector<data::CacheProblem>& problems, const data::CacheIndex& index);

  distributed::Communicator& world() { return world_; }
  int64_t threads() const { return threads_; }
  // Collective: what any rank reads of the cache from here on stays so.
  void lock() {
    if (world_.is_root()) {
      lock_.emplace(out_);
      data::remove_leftovers(out_);
    }
    world_.barrier();
  }

 private:
  void load_encoder(int64_t image_size, const std::string& dtype) {
    encoder_.emplace(encoder_path_,
                     core::EncoderOptions{.image_size = image_size, .dtype = core::precision_named(dtype)});
  }
  data::CacheBuilder make_builder(std::vector<data::BuildUnit> units) {
    return {data::ClipBuilder(*encoder_, key_),
            data::open_codec(out_, key_),
            manifest_.root,
            out_,
            std::move(units),
            {.threads = threads_}};
  }
  bool is_complete(const Earlier& earlier);
  void feed(data::CodecFitter& fitter);
  // Builds the units; nothing where it was stopped.
  std::optional<std::vector<data::ShardSummary>> work(std::vector<data::BuildUnit> units, const char* what);
  void publish(data::CacheIndex index) const;
  std::vector<const data::ManifestEntry*> missing_from(const data::CacheIndex& index) const;

  const Settings& settings_;
  std::string out_;
  data::Manifest manifest_;
  distributed::Communicator world_;
  int64_t threads_;
  std::string encoder_path_;
  std::optional<core::FrozenEncoder> encoder_;
  std::optional<core::DirectoryLock> lock_;
  data::CacheKey key_;
};

constexpr char kStopped[] = "stopped early; start the same command again to go on";

// The usable videos that the cache neither has, nor has rejected, nor was told to forget. Throws DataError for one that
// it has from another file.
std::vector<const data::ManifestEntry*> Builder::missing_from(const data::CacheIndex& index) const {
  std::map<std::string, uint32_t> there;
  std::set<std::string> known = index.removed;
  for (const data::ShardSummary& shard : index.shards) {
    for (const data::ShardVideo& video : shard.videos) there.emplace(video.id, video.entry_crc32c);
    for (const data::RejectedVideo& video : shard.rejected) known.insert(video.video_id);
  }
  std::vector<const data::ManifestEntry*> missing;
  for (const data::ManifestEntry* entry : data::usable_entries(manifest_)) {
    const auto found = there.find(entry->id);
    if (found == there.end()) {
      if (!known.contains(entry->id)) missing.push_back(entry);
    } else if (found->second != data::entry_checksum(*entry)) {
      throw core::DataError(out_ + ": video " + entry->id +
                            " is cached from another file or part than the manifest's: " + "`cache remove --ids " +
                            entry->id + "` first, or build into another folder");
    }
  }
  return missing;
}

// Whether all that is asked for is there. Throws DataError where it is another cache.
bool Builder::is_complete(const Earlier& earlier) {
  const data::CacheIndex& index = earlier.index;
  data::CacheKey asked = key_;
  if (asked.codec.name == index.key.codec.name) asked.codec = index.key.codec;
  data::require_equal(asked, index.key, out_);
  if (const auto missing = missing_from(index); !missing.empty()) {
    throw core::DataError(out_ + ": complete, without " + std::to_string(missing.size()) +
                          " videos of this manifest, the first of them " + missing.front()->id +
                          ": take them in by `cache add`, or build into another folder");
  }
  const std::vector<std::string> gone = data::missing_shards(out_, index);
  for (const std::string& shard : gone) core::log_warning() << "shard built again: " << shard;
  if (!gone.empty() || !earlier.is_published) return false;
  const data::CacheBuilder builder(data::ClipBuilder(*encoder_, index.key), data::open_codec(out_, index.key),
                                   manifest_.root, out_, data::units_of(index, manifest_), {});
  if (builder.has_repaired(index.rejected())) return false;
  if (!data::has_good_copy(out_)) data::write_index(out_, index);
  core::log_info() << out_ << ": complete, nothing to do: " << described(index);
  tell_rejected(index.rejected());
  return true;
}

// One view of some training videos, or of any where there are none, chosen by their ids alone.
void Builder::feed(data::CodecFitter& fitter) {
  std::vector<const data::ManifestEntry*> entries = data::usable_entries(manifest_);
  std::sort(entries.begin(), entries.end(),
            [](const auto* a, const auto* b) { return is_sampled_before(a->split, a->id, b->split, b->id); });
  const data::ClipBuilder clips(*encoder_, key_);
  const int64_t wanted = std::min<int64_t>(sample_clips(key_.feature_shape()), static_cast<int64_t>(entries.size()));
  std::vector<std::string> reasons;
  for (int64_t i = 0; i < wanted; ++i) {
    try {
      fitter.add(clips.build_one(manifest_.root, *entries[i], 0).features);
    } catch (const core::Error& error) {
      core::log_warning() << "not in the sample: " << error.what();
      reasons.push_back(error.what());
    }
  }
  if (static_cast<int64_t>(reasons.size()) < wanted) return;
  throw core::DataError("no clip of the codec's sample can be had, the first of " + std::to_string(wanted) + ": " +
                        reasons.front());
}

std::optional<std::vector<data::ShardSummary>> Builder::work(std::vector<data::BuildUnit> units, const char* what) {
  const data::CacheBuilder builder = make_builder(std::move(units));
  if (world_.is_root()) require_free_space(out_, builder.bytes_to_write());
  std::vector<int64_t> clips;
  for (int64_t unit = 0; unit < builder.units(); ++unit) clips.push_back(builder.clips(unit));
  auto shards = ShardWork(what, clips).run(world_, [&](int64_t unit) { return builder.build_unit(unit); });
  if (!shards && world_.is_root()) core::log_warning() << kStopped;
  return shards;
}

using LabelById = std::map<std::string, std::string>;

LabelById labels_of(const data::Manifest& manifest) {
  LabelById labels;
  for (const data::ManifestEntry& entry : manifest.entries) labels.emplace(entry.id, entry.label);
  return labels;
}

LabelById labels_of(const data::CacheIndex& index) {
  LabelById labels;
  for (const data::ShardSummary& shard : index.shards) {
    for (const data::ShardVideo& video : shard.videos) labels.emplace(video.id, video.label);
  }
  return labels;
}

// Whatever the class of a video was when its record was written, it is the one of `labels`, where it has one there.
void set_labels(const LabelById& labels, std::vector<data::ShardSummary>& shards) {
  for (data::ShardSummary& shard : shards) {
    for (data::ShardVideo& video : shard.videos) {
      if (const auto found = labels.find(video.id); found != labels.end()) video.label = found->second;
    }
  }
}

void Builder::publish(data::CacheIndex index) const {
  if (!index.key.codec.tables_sha256.empty()) index.codec_tables = data::summarize_tables(out_);
  data::write_index(out_, index);
  core::log_info() << out_ << ": complete: " << described(index) << ", " << index.rejected().size()
                   << " videos rejected";
}

int Builder::build() {
  load_encoder(settings_.cache.image_size, settings_.cache.encoder_dtype);
  require_architecture(settings_, encoder_->config(), encoder_path_);
  key_ = make_cache_key(settings_, *encoder_, manifest_.labels);
  lock();
  const std::optional<Earlier> earlier = find_earlier(out_);
  const bool has_nothing_to_do = world_.is_root() && earlier && is_complete(*earlier);
  if (world_.all_reduce_max(has_nothing_to_do ? 1 : 0) == 1) return core::kExitDone;
  if (world_.is_root()) earlier ? data::take_index_away(out_, earlier->index) : data::remove_index(out_);
  if (earlier) {
    key_ = earlier->index.key;
  } else {
    const CodecDemand demand{key_, settings_.cache.bits, data::manifest_identity(manifest_)};
    key_.codec = settle_codec(world_, out_, demand, [&](data::CodecFitter& fitter) { feed(fitter); });
  }
  auto shards = work(earlier ? data::units_of(earlier->index, manifest_)
                             : data::cut_units(data::usable_entries(manifest_), settings_.cache.videos_per_shard),
                     "cache build");
  if (!shards) return core::kExitRequeue;
  if (world_.is_root()) {
    require_records(*shards, out_);
    set_labels(labels_of(manifest_), *shards);
    publish({.key = key_,
             .labels = manifest_.labels.names(),
             .shards = std::move(*shards),
             .removed = earlier ? earlier->index.removed : std::set<std::string>(),
             .listed = data::count_listed(manifest_)});
  }
  world_.barrier();
  return core::kExitDone;
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

int Builder::add() {
  lock();
  const data::CacheIndex index = data::read_index(out_);
  key_ = index.key;
  load_encoder(key_.image_size, key_.encoder_dtype);
  const std::vector<const data::ManifestEntry*> entries = missing_from(index);
  if (entries.empty()) {
    if (world_.is_root()) core::log_info() << out_ << ": has every video of the manifest, nothing to do";
    return core::kExitDone;
  }
  const std::vector<std::string> labels = united_labels(index, manifest_);
  int64_t next = 0;
  for (const data::ShardSummary& shard : index.shards) next = std::max(next, shard.unit + 1);
  auto shards = work(data::cut_units(entries, settings_.cache.videos_per_shard, next), "cache add");
  if (!shards) return core::kExitRequeue;  // what is there stays complete, and new shards wait for the next start
  if (world_.is_root()) {
    set_labels(labels_of(manifest_), *shards);
    data::CacheIndex united = index;
    united.labels = labels;
    united.shards.insert(united.shards.end(), shards->begin(), shards->end());
    united.listed = united_counts(index, manifest_);
    publish(std::move(united));
  }
  world_.barrier();
  return core::kExitDone;
}

int Builder::repair(const std::vector<data::CacheProblem>& problems, const data::CacheIndex& index) {
  key_ = index.key;
  load_encoder(key_.image_size, key_.encoder_dtype);
  const std::vector<data::BuildUnit> units = data::units_of(index, manifest_);  // before anything is deleted
  const data::ClipBuilder matching(*encoder_, key_);
  if (world_.is_root()) data::remove_broken(out_, problems);
  world_.barrier();
  auto shards = work(units, "cache repair");
  if (!shards) return core::kExitRequeue;
  if (world_.is_root()) {
    data::CacheIndex repaired = index;
    set_labels(labels_of(index), *shards);
    repaired.shards = std::move(*shards);
    publish(std::move(repaired));
  }
  world_.barrier();
  return core::kExitDone;
}

}  // namespace

int build_cache(Invocation& invocation) {
  if (invocation.table->is_set("views")) invocation.settings.sampling.train_views = invocation.settings.dataset.views;
  return Builder(invocation, invocation.need(invocation.settings.path.out, "out")).build();
}

int add_to_cache(Invocation& invocation) {
  const PathSettings& path = invocation.settings.path;
  return Builder(invocation, path.cache.empty() ? invocation.need(path.out, "cache") : path.cache).add();
}

namespace {

std::vector<data::CacheProblem> find_problems(const Invocation& invocation, const std::string& cache, int64_t threads) {
  return data::verify_cache(cache, {.deep = invocation.settings.has.deep, .threads = threads});
}

int repair_cache(Invocation& invocation, const std::string& cache) {
  Builder builder(invocation, cache);
  builder.lock();
  const std::optional<Earlier> earlier = find_earlier(cache);
  if (!earlier) {
    throw core::DataError(
        cache + ": neither its index nor the copy can be read, so there is no knowing what should be " +
        "there: with the options it was built with, `cache build` makes both again from whole shards");
  }
  builder.world().barrier();  // all have read it
  std::vector<data::CacheProblem> problems;
  if (builder.world().is_root()) {
    if (!earlier->is_published) data::write_index(cache, earlier->index);
    problems = find_problems(invocation, cache, builder.threads());
    for (const data::CacheProblem& problem : problems) core::log_warning() << problem.text;
    if (problems.empty())
      core::log_info() << cache << ": whole" << (earlier->is_published ? "" : ", its index restored");
  }
  if (builder.world().all_reduce_max(static_cast<int64_t>(problems.size())) == 0) return core::kExitDone;
  return builder.repair(problems, earlier->index);
}

}  // namespace

int verify_cache_files(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string& cache = invocation.need(settings.path.cache, "cache");
  if (settings.has.repair) return repair_cache(invocation, cache);
  if (invocation.session->rank() != 0) return core::kExitDone;
  const std::vector<data::CacheProblem> problems = find_problems(invocation, cache, place_threads(invocation));
  for (const data::CacheProblem& problem : problems) core::log_error() << problem.text;
  if (problems.empty()) std::printf("%s: whole\n", cache.c_str());
  return problems.empty() ? core::kExitDone : core::kExitError;
}

}  // namespace permafrost::launch
