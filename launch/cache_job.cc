#include "launch/cache_job.h"

#include <algorithm>
#include <cstdio>
#include <set>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/encoder/precision.h"
#include "data/cache/cache_reader.h"
#include "launch/cache_codec.h"
#include "launch/cache_options.h"
#include "launch/free_space.h"
#include "launch/geometry.h"
#include "launch/placement.h"
#include "launch/shard_work.h"
#include "launch/training/trained_model.h"

namespace permafrost::launch {
namespace {

LabelById labels_of(const data::Manifest& manifest) {
  LabelById labels;
  for (const data::ManifestEntry& entry : manifest.entries) labels.emplace(entry.id, entry.label);
  return labels;
}

// What a build makes: clips, frames, layers, codec and bytes.
std::string described(const data::CacheBuilder& builder, const data::CacheKey& key) {
  const auto bytes = static_cast<double>(data::record_bytes(key));
  char text[240];
  std::snprintf(text, sizeof text,
                "%lld clips in %lld shards: %lld frames each, %lld of them encoded; %zu of %lld layers as %s; "
                "%.4g MB a clip, %.4g GB in all, %.4g GB of them still to be written",
                static_cast<long long>(builder.clips()), static_cast<long long>(builder.units()),
                static_cast<long long>(key.frames), static_cast<long long>(key.frames / key.alpha),
                key.selected_layers.size(), static_cast<long long>(key.layers_total), key.codec.name.c_str(),
                bytes / 1e6, bytes * static_cast<double>(builder.clips()) / 1e9,
                static_cast<double>(builder.bytes_to_write()) / 1e9);
  return text;
}

}  // namespace

CacheJob::CacheJob(Invocation& invocation, std::string directory)
    : invocation_(invocation),
      settings_(invocation.settings),
      directory_(std::move(directory)),
      manifest_(
          data::read_manifest(invocation.need(settings_.path.manifest, "manifest"), settings_.has.allow_outside_root)),
      world_(*invocation.session),
      threads_(place_threads(invocation)),
      encoder_path_(invocation.need_encoder()) {}

void CacheJob::lock() {
  if (world_.is_root()) {
    lock_.emplace(directory_);
    data::remove_leftovers(directory_);
  }
  world_.barrier();
}

void CacheJob::load_encoder(int64_t image_size, const std::string& dtype) {
  encoder_.emplace(encoder_path_, core::EncoderOptions{.image_size = image_size,
                                                       .dtype = core::precision_named(dtype),
                                                       .device = place_device(invocation_)});
}

void CacheJob::use_options() {
  load_encoder(settings_.cache.image_size, settings_.cache.encoder_dtype);
  require_architecture(settings_, encoder_->config(), encoder_path_);
  key_ = make_cache_key(settings_, *encoder_, manifest_.labels);
}

void CacheJob::use(const data::CacheKey& key) {
  require_no_contradiction(invocation_, key, directory_);
  key_ = key;
  load_encoder(key_.image_size, key_.encoder_dtype);
  const data::ClipBuilder matching(*encoder_, key_);  // throws for another encoder
}

void CacheJob::settle_codec() {
  const CodecDemand demand{key_, settings_.cache.bits, data::manifest_identity(manifest_)};
  key_.codec = launch::settle_codec(world_, directory_, demand, [&](data::CodecFitter& fitter) { feed(fitter); });
}

// One view of some training videos, or of any where there are none, chosen by their ids alone.
void CacheJob::feed(data::CodecFitter& fitter) {
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

data::CacheBuilder CacheJob::make_builder(std::vector<data::BuildUnit> units) {
  return {data::ClipBuilder(*encoder_, key_),
          data::open_codec(directory_, key_),
          manifest_.root,
          directory_,
          std::move(units),
          {.threads = threads_, .retry_rejected = settings_.has.retry_rejected}};
}

std::optional<std::vector<data::ShardSummary>> CacheJob::work(std::vector<data::BuildUnit> units, const char* what) {
  const data::CacheBuilder builder = make_builder(std::move(units));
  log_placement(world_, threads_, place_device(invocation_));
  if (world_.is_root()) {
    core::log_info() << what << ": " << described(builder, key_);
    require_free_space(directory_, builder.bytes_to_write());
  }
  std::vector<int64_t> clips;
  for (int64_t unit = 0; unit < builder.units(); ++unit) clips.push_back(builder.clips(unit));
  auto shards = ShardWork(invocation_, what, clips).run(world_, [&](int64_t unit, const ShardWork::GetOn& get_on) {
    return builder.build_unit(unit, get_on);
  });
  if (shards) set_labels(labels_of(manifest_), *shards);
  if (!shards && world_.is_root()) core::log_warning() << "stopped early; start the same command again to go on";
  return shards;
}

void CacheJob::publish(data::CacheIndex index) const {
  if (!index.key.codec.tables_sha256.empty()) index.codec_tables = data::summarize_tables(directory_);
  data::write_index(directory_, index);
  core::log_info() << directory_ << ": complete: " << describe(index) << ", " << index.rejected().size()
                   << " videos rejected";
}

std::vector<const data::ManifestEntry*> CacheJob::missing_from(const data::CacheIndex& index) const {
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
      throw core::DataError(directory_ + ": video " + entry->id +
                            " is cached from another file or part than the manifest's: " + "`cache remove --ids " +
                            entry->id + "` first, or build into another folder");
    }
  }
  return missing;
}

std::string describe(const data::CacheIndex& index) {
  char text[160];
  std::snprintf(text, sizeof text, "%lld clips of %lld videos in %zu shards, %.1f MB",
                static_cast<long long>(index.records()), static_cast<long long>(index.videos()), index.shards.size(),
                static_cast<double>(index.bytes()) / 1e6);
  return text;
}

void set_labels(const LabelById& labels, std::vector<data::ShardSummary>& shards) {
  for (data::ShardSummary& shard : shards) {
    for (data::ShardVideo& video : shard.videos) {
      if (const auto found = labels.find(video.id); found != labels.end()) video.label = found->second;
    }
  }
}

}  // namespace permafrost::launch
