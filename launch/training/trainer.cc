#include "launch/training/trainer.h"

#include <torch/types.h>

#include <cmath>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/checkpoint/state.h"
#include "core/encoder/precision.h"
#include "core/recipe/mix.h"
#include "core/recipe/schedule.h"
#include "distributed/process_group.h"
#include "launch/geometry.h"
#include "launch/timing.h"
#include "launch/training/initial_weights.h"
#include "launch/training/mix_groups.h"
#include "launch/training/text_head.h"
#include "launch/training/trained_model.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

constexpr double kStraggles = 1.5;  // times the mean

// What the cache holds decides the geometry; the settings decide the rest.
core::DistConfig config_of(const Settings& settings, const TrainingSet& set) {
  const data::CacheKey& key = set.key;
  core::VisionConfig vision;
  vision.image_size = key.image_size;
  vision.patch_size = key.patch_size;
  vision.width = key.width;
  vision.layers = key.layers_total;
  require_architecture(settings, vision, set.where);
  core::DistConfig config = make_dist_config(settings, vision);
  config.frames = key.frames;
  config.alpha = key.alpha;
  config.patch_size = key.token_size();
  config.layers = static_cast<int64_t>(key.selected_layers.size());
  if (settings.model.head == "text") config.embedding = text_width(settings.path.text);
  core::require_sound(config);
  return config;
}

core::Classifier make_classifier(const Settings& settings, const core::DistConfig& config,
                                 const std::vector<std::string>& labels, torch::Device device) {
  core::Classifier classifier(config, make_head_config(settings.model.head, labels));
  core::initialise(*classifier, static_cast<uint64_t>(settings.recipe.seed));
  fill_text_head(classifier->head, settings.path.text, labels);
  classifier->precision = core::precision_named(settings.train.precision);
  classifier->to(device);
  return classifier;
}

int64_t hits_of(const core::HeadImpl& head, const std::vector<torch::Tensor>& logits, const torch::Tensor& labels) {
  const torch::NoGradGuard no_grad;
  return head.scores(logits).slice(1, 0, head.config.classes).argmax(1).eq(labels).sum().item<int64_t>();
}

TrainStepOptions step_options(const Settings& settings, const distributed::Communicator& world) {
  return {.clips = settings.recipe.batch,
          .ranks = world.size(),
          .weight_decay = settings.recipe.weight_decay,
          .label_smoothing = settings.recipe.label_smoothing,
          .clip_norm = settings.recipe.clip_norm,
          .bucket_bytes = settings.train.bucket_mib << 20};
}

}  // namespace

Trainer::Trainer(const Settings& settings, TrainingSet set, const TrainingPlace& place,
                 std::optional<RunDirectory>& run)
    : settings_(settings),
      set_(std::move(set)),
      device_(place.device),
      world_(place.world),
      stop_(place.stop),
      watchdog_(place.watchdog),
      run_(run),
      config_(config_of(settings, set_)),
      order_{.seed = static_cast<uint64_t>(settings.recipe.seed),
             .samples = set_.clips->size(),
             .global_batch = settings.recipe.batch,
             .is_training = true},
      first_clip_(world_.rank() * settings.recipe.batch / world_.size()),
      steps_per_epoch_(data::batches_per_epoch(order_)),
      steps_(static_cast<int64_t>(std::ceil(settings.recipe.schedule.epochs * static_cast<double>(steps_per_epoch_)))),
      train_step_(make_classifier(settings, config_, set_.labels, device_), step_options(settings, world_),
                  world_.size() == 1 ? nullptr : distributed::make_process_group(world_, device_)),
      decoder_(set_.clips->codec(), device_) {
  require_whole_groups(settings, world_.size());
  if (settings.recipe.batch < world_.size()) {
    throw core::ConfigError("option 'recipe.batch' is " + std::to_string(settings.recipe.batch) +
                            ", expected at least one clip for each of the " + std::to_string(world_.size()) + " ranks");
  }
  if (world_.is_root()) {
    store_.emplace(run_->checkpoints(), settings.train.keep_checkpoints);
    writer_.emplace(*store_);
  }
  // Rank 0 decides what is read, so that all ranks go on from the same checkpoint.
  std::optional<core::Checkpoint> newest;
  if (world_.is_root()) newest = store_->load_newest();
  const std::string directory = world_.broadcast(newest ? newest->directory : "");
  if (!directory.empty()) {
    resume(newest ? *newest : core::read_checkpoint(directory));
  } else if (!settings.path.init_from.empty()) {
    load_initial_weights(train_step_.classifier()->dist_net, settings.path.init_from);
  }
  train_step_.broadcast_weights();
}

double Trainer::epoch() const { return static_cast<double>(step_) / static_cast<double>(steps_per_epoch_); }

bool Trainer::is_checkpoint_due() const {
  const TrainSettings& train = settings_.train;
  return step_ == steps_ || step_ % (steps_per_epoch_ * train.checkpoint_every_epochs) == 0 ||
         (train.checkpoint_every_steps > 0 && step_ % train.checkpoint_every_steps == 0) ||
         (train.checkpoint_every_minutes > 0 && seconds_since(last_save_) >= 60 * train.checkpoint_every_minutes);
}

void Trainer::add(const data::Batch& batch, int64_t begin, int64_t end) {
  // The loss is waited for below, so nothing is still being copied when the batch is given back.
  const auto on_device = [&](const torch::Tensor& tensor) {
    return tensor.slice(0, begin, end).to(device_, /*non_blocking=*/true);
  };
  const core::BatchMix mix = core::draw_batch_mix(
      settings_.recipe.mix, {order_.seed, batch.cursor.epoch, batch.cursor.batch, first_clip_ + begin}, end - begin,
      config_.image_size);
  const torch::Tensor pixels = core::mix_pixels(on_device(batch.pixels), mix);  // [b, F, 3, S, S]
  const torch::Tensor decoded = decoder_.decode(batch.coded.slice(0, begin, end));
  const torch::Tensor features =
      core::mix_features(decoded, mix, config_.image_size, config_.patch_size);  // [b, N, t, L, C]
  const torch::Tensor labels = on_device(batch.targets);
  const core::HeadImpl& head = *train_step_.classifier()->head;
  const Forward forward = train_step_.add(pixels, features, core::soft_targets(labels, head.config.classes, mix),
                                          /*is_last=*/end == batch.size());
  log_.add_loss(forward.loss, hits_of(head, forward.logits, labels), end - begin);
}

void Trainer::step_once(const data::Batch& batch) {
  const int64_t micro = settings_.train.micro_batch > 0 ? settings_.train.micro_batch : batch.size();
  for (int64_t begin = 0; begin < batch.size(); begin += micro) {
    watchdog_.enter(distributed::Phase::kStep, step_ + 1);
    add(batch, begin, std::min(begin + micro, batch.size()));
  }
  const double norm = train_step_.finish_gradient();  // the same number on every rank, so all do the same
  if (std::isfinite(norm)) {
    log_.set_gradient_norm(norm);
    train_step_.update(core::learning_rate_at(epoch(), settings_.recipe.schedule));
    skipped_in_a_row_ = 0;
  } else {
    skip();
  }
  ++step_;
}

void Trainer::skip() {
  train_step_.skip();
  const int64_t step = step_ + 1;
  ++skipped_;
  ++skipped_in_a_row_;
  if (skipped_in_a_row_ > settings_.train.most_skipped_steps) {
    throw core::DataError("step " + std::to_string(step) + ": the gradient is not finite, in " +
                          std::to_string(skipped_in_a_row_) +
                          " steps in a row: lower recipe.learning_rate, or verify the cache");
  }
  if (!world_.is_root()) return;
  core::log_warning() << "step " << step << " skipped: its gradient is not finite";
  run_->log({{"event", "skipped"}, {"step", step}});
}

int Trainer::train() {
  if (step_ >= steps_) {
    if (world_.is_root()) core::log_info() << run_->path() << ": complete after " << step_ << " steps, nothing to do";
    return core::kExitDone;
  }
  data::ClipLoader loader(*set_.clips, requests(),
                          {.threads = settings_.train.loader_threads,
                           .batches_ahead = settings_.train.prefetch_batches,
                           .is_pinned = device_.is_cuda()});
  set_status("running");
  while (step_ < steps_) {
    const Clock::time_point start = Clock::now();
    const double waited = loader.wait_seconds();
    watchdog_.enter(distributed::Phase::kData, step_ + 1);
    const std::optional<data::Batch> batch = loader.next();
    PERMAFROST_CHECK(batch.has_value(), "the loader ends with the last step");
    step_once(*batch);
    log_.add_step(seconds_since(start), loader.wait_seconds() - waited);
    log_.add_communication(train_step_.bucket_times());
    const bool is_stopping = stop_.agreed(world_);
    if (writer_) {
      writer_->poll();
      if (is_checkpoint_due() || is_stopping) save();
    }
    if (step_ % settings_.train.log_every_steps == 0 || step_ == steps_ || is_stopping) write_line();
    if (is_stopping && step_ < steps_) {
      if (world_.is_root()) run_->log({{"event", "stopped"}, {"step", step_}});
      finish("stopped");
      return core::kExitRequeue;
    }
  }
  finish("done");
  return core::kExitDone;
}

void Trainer::write_line() {
  json line = log_.take(world_);
  if (!world_.is_root()) return;
  line["step"] = step_;
  line["steps"] = steps_;
  line["epoch"] = epoch();
  line["learning_rate"] = core::learning_rate_at(epoch(), settings_.recipe.schedule);
  run_->log(line);
  set_status("running");
  if (const double times = line["slowest_over_mean"].get<double>(); times > kStraggles) {
    core::log_warning() << watchdog_.name_of(line["slowest_rank"].get<int>())
                        << " is slow: since the last line its steps took " << times << " times the mean of all ranks";
  }
  char text[300];
  std::snprintf(text, sizeof text,
                "step %lld/%lld epoch %.2f loss %.4f top-1 %.1f%% lr %.2e %.1f clips/s data %.1f ms compute %.1f ms "
                "communication %.1f ms",
                static_cast<long long>(step_), static_cast<long long>(steps_), epoch(), line["loss"].get<double>(),
                100 * line["top1"].get<double>(), line["learning_rate"].get<double>(),
                line["samples_per_second"].get<double>(), line["data_ms"].get<double>(),
                line["compute_ms"].get<double>(), line["communication_ms"].get<double>());
  core::log_info() << text;
}

}  // namespace permafrost::launch
