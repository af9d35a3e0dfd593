#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/encoder/frozen_encoder.h"
#include "core/encoder/precision.h"
#include "data/cache/cache_reader.h"
#include "data/loader/cached_clips.h"
#include "data/loader/online_clips.h"
#include "data/loader/shard_stage.h"
#include "distributed/communicator.h"
#include "launch/geometry.h"
#include "launch/placement.h"
#include "launch/training/run_directory.h"
#include "launch/training/trained_model.h"
#include "launch/training/trainer.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

constexpr char kSplit[] = "train", kValidationSplit[] = "val";

// The training clips and what they need to live: of a cache, of videos, or of a cache that lacks some of what is wanted
// and the videos.
class TrainingClips {
 public:
  explicit TrainingClips(const Invocation& invocation) : settings_(invocation.settings) {
    const PathSettings& path = settings_.path;
    if (path.manifest.empty() != path.encoder.empty() || (path.cache.empty() && path.manifest.empty())) {
      throw core::ConfigError(
          "expected --cache, or --manifest with --encoder, or all three: see permafrost train --help");
    }
    if (!path.stage.empty() && path.cache.empty()) {
      throw core::ConfigError("--stage is for the shards of a cache: expected --cache beside it, found none");
    }
    if (!path.cache.empty()) cache_.emplace(path.cache);
    if (path.manifest.empty()) {
      use_cache();
    } else {
      use_videos(invocation);
    }
    if (!path.stage.empty()) use_stage(*invocation.session);
  }

  const TrainingSet& set() const { return set_; }
  void log() const;
  // How much was staged and read from there, of all ranks. Collective.
  void log_stage(distributed::Communicator& world) const;

 private:
  void use_cache();
  void use_videos(const Invocation& invocation);
  void use_stage(const distributed::MpiSession& session);
  void use_validation(const auto& clips) {
    set_.validation = &clips;
    set_.validation_videos = clips.videos();
    set_.validation_views = clips.views();
  }
  data::CacheKey wanted_key() const;

  const Settings& settings_;
  std::optional<data::CacheReader> cache_;
  std::optional<data::CachedClips> cached_;
  std::optional<data::Manifest> manifest_;
  std::optional<core::FrozenEncoder> encoder_;
  std::optional<data::ClipBuilder> builder_;
  std::optional<data::OnlineClips> online_;
  std::optional<data::CachedClips> cached_validation_;
  std::optional<data::OnlineClips> online_validation_;
  std::optional<data::ShardStage> stage_;  // last: its thread asks the clips
  TrainingSet set_;
};

void TrainingClips::use_cache() {
  cached_.emplace(*cache_, kSplit, data::ViewPolicy::kOnePerEpoch);
  set_ = {cache_->key(), cache_->labels(), cache_->index().contents_sha256(), cache_->directory(), &*cached_};
  if (settings_.train.evaluate_every_epochs == 0) return;
  cached_validation_.emplace(*cache_, kValidationSplit, data::ViewPolicy::kEvery, data::LabelMap(cache_->labels()));
  use_validation(*cached_validation_);
}

// What a clip is: as the settings say; with a cache, as its clips are, and with all the layers that are wanted.
data::CacheKey TrainingClips::wanted_key() const {
  if (!cache_) return make_cache_key(settings_, *encoder_, manifest_->labels);
  data::CacheKey key = cache_->key();
  key.selected_layers = layers_named(settings_.cache.layers, key.layers_total);
  key.train_views = std::max(key.train_views, settings_.sampling.train_views);
  return key;
}

void TrainingClips::use_videos(const Invocation& invocation) {
  manifest_.emplace(data::read_manifest(settings_.path.manifest, settings_.has.allow_outside_root));
  const std::string dtype = cache_ ? cache_->key().encoder_dtype : settings_.cache.encoder_dtype;
  encoder_.emplace(invocation.need_encoder(),
                   core::EncoderOptions{.image_size = cache_ ? cache_->key().image_size : settings_.cache.image_size,
                                        .dtype = core::precision_named(dtype),
                                        .device = place_device(invocation)});
  data::CacheKey key = wanted_key();
  key.codec = {.name = "f32"};
  builder_.emplace(*encoder_, key);
  const auto policy = cache_ ? data::ViewPolicy::kOnePerEpoch : data::ViewPolicy::kFreshEveryEpoch;
  online_.emplace(*builder_, *manifest_, kSplit, policy, manifest_->labels, cache_ ? &*cache_ : nullptr);
  set_ = {key, manifest_->labels.names(), data::manifest_identity(*manifest_), settings_.path.manifest, &*online_};
  if (settings_.train.evaluate_every_epochs == 0) return;
  online_validation_.emplace(*builder_, *manifest_, kValidationSplit, data::ViewPolicy::kEvery, manifest_->labels);
  use_validation(*online_validation_);
}

void TrainingClips::use_stage(const distributed::MpiSession& session) {
  stage_.emplace(*cache_,
                 data::ShardStageOptions{.directory = settings_.path.stage,
                                         .limit_bytes = static_cast<uint64_t>(settings_.stage.gigabytes * 1e9)});
  cache_->use_copies(&*stage_);
  set_.stage = &*stage_;
  if (session.local_rank() == 0) set_.staging_for = session.node_ranks();
}

void TrainingClips::log_stage(distributed::Communicator& world) const {
  if (!stage_) return;
  const data::StageStatistics own = stage_->statistics();
  const std::vector<double> all =
      world.all_reduce_sum({static_cast<double>(own.reads), static_cast<double>(own.staged_reads),
                            static_cast<double>(own.copied_shards), static_cast<double>(own.copied_bytes)});
  if (!world.is_root() || all[0] == 0) return;
  char text[160];
  std::snprintf(text, sizeof text, "staged %.0f shards, %.3g GB; %.1f %% of %.0f reads were from the stage", all[2],
                all[3] / 1e9, 100 * all[1] / all[0], all[0]);
  core::log_info() << text;
}

std::string augmentation_of(const data::CacheKey& key) {
  if (key.augment == "none") return "centre crop, no flip, no grayscale";
  const data::AugmentOptions paper;
  return key.augmentation == paper ? "crop, flip and grayscale as in the paper" : "crop, flip and grayscale of its own";
}

std::string layers_of(const data::CacheKey& key) {
  const auto layers = static_cast<int64_t>(key.selected_layers.size());
  std::string text = layers == key.layers_total
                         ? "all layers"
                         : std::to_string(layers) + " of " + std::to_string(key.layers_total) + " layers";
  return text + (key.tokens == "full" ? "" : ", tokens pooled two by two");
}

// In which ways this training is not the paper's recipe.
void TrainingClips::log() const {
  const data::CacheKey& key = set_.key;
  const std::string views = std::to_string(key.train_views) + " view" + (key.train_views == 1 ? "" : "s") +
                            " of each video instead of a fresh one each epoch";
  if (cached_) {
    core::log_info() << "on cached features: " << views << ", " << key.codec.name << ", " << layers_of(key) << ", "
                     << augmentation_of(key);
  } else if (cache_) {
    core::log_info() << "on cached and computed features: " << online_->cached_clips() << " of " << online_->size()
                     << " clips are cached, with " << cache_->key().selected_layers.size() << " of "
                     << key.selected_layers.size() << " layers, as " << cache_->key().codec.name << "; " << views
                     << ", " << augmentation_of(key);
  } else {
    core::log_info() << "on features computed in the step: a fresh view of each video each epoch, " << layers_of(key)
                     << ", " << augmentation_of(key);
  }
  const core::MixOptions& mix = settings_.recipe.mix;
  if (!mix.is_on()) {
    core::log_info() << "no mixup and no cutmix";
  } else {
    core::log_info() << "groups of " << mix.group << " clips are mixed; the frozen encoder never saw the mixed frames: "
                     << "mixup of features is linear, cutmix replaces the tokens of the patches under its box";
  }
  core::log_info() << "global batch " << settings_.recipe.batch << ", learning rate not scaled by it";
}

// Every option with its value and origin, those that are swept as the point has them.
nlohmann::json options_of(const core::OptionTable& table, const SweepPoint& point) {
  nlohmann::json options = describe_options(table);
  for (nlohmann::json& option : options) {
    for (size_t i = 0; i < point.options.size(); ++i) {
      if (option["name"] != point.options[i]) continue;
      option["value"] = point.values[i];
      option["origin"] = "sweep";
    }
  }
  return options;
}

void describe_runs(const core::OptionTable& options, Trainer& trainer, const nlohmann::json& environment) {
  for (size_t i = 0; i < trainer.points().size(); ++i) {
    if (trainer.learners()[i].is_complete()) continue;  // whoever looks again does not change how it came about
    RunDirectory& run = *trainer.learners()[i].run();
    run.write("config.json", options_of(options, trainer.points()[i]));
    run.write("environment.json", environment);
  }
}

// The points of a sweep side by side, the best first where they were evaluated: printed, and in RUN/sweep.json.
void tell_sweep(const Settings& settings, const Trainer& trainer) {
  nlohmann::json rows = nlohmann::json::array();
  for (size_t i = 0; i < trainer.points().size(); ++i) {
    nlohmann::json row = trainer.learners()[i].summary();
    row["name"] = trainer.points()[i].name;
    row["run"] = trainer.points()[i].settings.path.run;
    rows.push_back(row);
  }
  RunDirectory(settings.path.run).write("sweep.json", rows);
  const char* by = settings.train.evaluate_every_epochs > 0 ? "validation_top1" : "top1";
  std::stable_sort(rows.begin(), rows.end(),
                   [&](const auto& a, const auto& b) { return a.value(by, 0.0) > b.value(by, 0.0); });
  std::printf("%-40s %8s %10s %8s %12s\n", "network", "step", "loss", "top-1", "validation");
  for (const auto& row : rows) {
    const std::string validation = row.contains("validation_top1")
                                       ? std::to_string(100 * row["validation_top1"].get<double>()).substr(0, 5) + " %"
                                       : "-";
    std::printf("%-40s %8lld %10.4f %6.1f %% %12s%s\n", row["name"].get<std::string>().c_str(),
                static_cast<long long>(row["step"]), row.value("loss", std::nan("")),
                100 * row.value("top1", std::nan("")), validation.c_str(), row["diverged"] ? " diverged" : "");
  }
  std::fflush(stdout);
}

}  // namespace

int run_train(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  invocation.need(settings.path.run, "run");
  const distributed::StopSignal stop;
  distributed::Communicator world(*invocation.session);
  distributed::Watchdog watchdog(*invocation.session, world, stop, settings.deadline);
  const int64_t threads = place_threads(invocation);
  const torch::Device device = place_device(invocation);
  const TrainingClips clips(invocation);
  Trainer trainer(settings, clips.set(), {world, stop, watchdog, device});
  const std::vector<std::string> placement = log_placement(world, threads, device);
  if (world.is_root()) {
    nlohmann::json environment = describe_environment(world.size(), threads, device);
    environment["placement"] = placement;
    describe_runs(*invocation.table, trainer, environment);
    clips.log();
  }
  const int code = trainer.train();
  clips.log_stage(world);
  if (world.is_root() && !settings.sweep.empty() && code == core::kExitDone) tell_sweep(settings, trainer);
  if (trainer.has_diverged()) {
    throw core::DataError(settings.path.run + ": no network of the sweep has finite gradients any more");
  }
  return code;
}

}  // namespace permafrost::launch
