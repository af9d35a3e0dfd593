#include "launch/training/trainer.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/encoder/precision.h"
#include "core/recipe/mix.h"
#include "distributed/process_group.h"
#include "launch/progress.h"
#include "launch/training/mix_groups.h"

namespace permafrost::launch {
namespace {

Course course_of(const Settings& settings, const data::OrderOptions& order) {
  const int64_t steps_per_epoch = data::batches_per_epoch(order);
  const double steps = settings.recipe.schedule.epochs * static_cast<double>(steps_per_epoch);
  return {.steps_per_epoch = steps_per_epoch, .steps = static_cast<int64_t>(std::ceil(steps))};
}

void require_batch(const Settings& settings, int64_t ranks) {
  require_whole_groups(settings, ranks);
  if (settings.recipe.batch >= ranks) return;
  throw core::ConfigError("option 'recipe.batch' is " + std::to_string(settings.recipe.batch) +
                          ", expected at least one clip for each of the " + std::to_string(ranks) + " ranks");
}

void require_validation(const Settings& settings, const TrainingSet& set) {
  if (settings.train.evaluate_every_epochs == 0 || set.validation_videos > 0) return;
  throw core::ConfigError("option 'train.evaluate_every_epochs' is " +
                          std::to_string(settings.train.evaluate_every_epochs) +
                          ", expected videos of the split val in " + set.where + ", found none: leave it 0");
}

}  // namespace

Trainer::Trainer(const Settings& settings, TrainingSet set, const TrainingPlace& place)
    : settings_(settings),
      set_(std::move(set)),
      place_(place),
      order_{.seed = static_cast<uint64_t>(settings.recipe.seed),
             .samples = set_.clips->size(),
             .global_batch = settings.recipe.batch,
             .is_training = true},
      first_clip_(place.world.rank() * settings.recipe.batch / place.world.size()),
      course_(course_of(settings, order_)),
      points_(points_of(settings)),
      decoder_(set_.clips->codec(), place.device, core::precision_named(settings.train.precision)) {
  require_batch(settings, place.world.size());
  require_validation(settings, set_);
  const auto group = place.world.size() == 1 ? nullptr : distributed::make_process_group(place.world, place.device);
  for (const SweepPoint& point : points_) {
    learners_.emplace_back(point.settings, set_, place_, course_, group, point.settings.path.run);
  }
  // A kill between the checkpoints of two networks leaves one of them ahead: it waits for the others.
  step_ = course_.steps;
  for (const Learner& learner : learners_) {
    if (!learner.has_diverged()) step_ = std::min(step_, learner.step());
  }
}

Examples Trainer::examples_of(const data::Batch& batch, int64_t begin, int64_t end) {
  // The losses are waited for, so nothing is still being copied when the batch is given back.
  const auto on_device = [&](const torch::Tensor& tensor) {
    return tensor.slice(0, begin, end).to(place_.device, /*non_blocking=*/true);
  };
  const core::DistConfig& network = learners_.front().network();
  const core::BatchMix mix = core::draw_batch_mix(
      settings_.recipe.mix, {order_.seed, batch.cursor.epoch, batch.cursor.batch, first_clip_ + begin}, end - begin,
      network.image_size);
  const torch::Tensor decoded = decoder_.decode(batch.coded.slice(0, begin, end));
  const torch::Tensor labels = on_device(batch.targets);
  return {.pixels = core::mix_pixels(on_device(batch.pixels), mix),
          .features = core::mix_features(decoded, mix, network.image_size, network.patch_size),
          .targets = core::soft_targets(labels, static_cast<int64_t>(set_.labels.size()), mix),
          .labels = labels};
}

void Trainer::step_once(const data::Batch& batch, const Clock::time_point& start, double data_seconds) {
  const int64_t micro = settings_.train.micro_batch > 0 ? settings_.train.micro_batch : batch.size();
  std::vector<Learner*> learning;
  for (Learner& learner : learners_) {
    if (learner.is_at(step_)) learning.push_back(&learner);
  }
  for (int64_t begin = 0; begin < batch.size(); begin += micro) {
    const int64_t end = std::min(begin + micro, batch.size());
    const Examples examples = examples_of(batch, begin, end);
    for (Learner* learner : learning) {
      place_.watchdog.enter(distributed::Phase::kStep, step_ + 1);
      learner->add(examples, /*is_last=*/end == batch.size());
    }
  }
  ++step_;
  for (Learner* learner : learning) learner->finish_step(start, data_seconds);
}

bool Trainer::is_complete() const {
  return std::all_of(learners_.begin(), learners_.end(), [](const Learner& learner) { return learner.is_complete(); });
}

bool Trainer::has_diverged() const {
  return std::all_of(learners_.begin(), learners_.end(), [](const Learner& learner) { return learner.has_diverged(); });
}

int Trainer::train() {
  if (is_complete() && place_.world.is_root()) {
    core::log_info() << settings_.path.run << ": complete after " << step_ << " steps, nothing to do";
  }
  bool is_stopping = false;
  for (Learner& learner : learners_) is_stopping = learner.catch_up(is_stopping);
  if (!is_stopping && step_ < course_.steps) run_steps();
  finish();
  if (is_complete()) return core::kExitDone;
  if (place_.world.is_root()) tell_stop();
  return core::kExitRequeue;
}

void Trainer::run_steps() {
  data::ClipLoader loader(*set_.clips, requests(),
                          {.threads = settings_.train.loader_threads,
                           .batches_ahead = settings_.train.prefetch_batches,
                           .is_pinned = place_.device.is_cuda()});
  Progress progress("train", course_.steps, "steps", step_);
  for (bool is_stopping = false; !is_stopping && step_ < course_.steps && !is_complete();) {
    const Clock::time_point start = Clock::now();
    const double waited = loader.wait_seconds();
    place_.watchdog.enter(distributed::Phase::kData, step_ + 1);
    const std::optional<data::Batch> batch = loader.next();
    PERMAFROST_CHECK(batch.has_value(), "the loader ends with the last step");
    step_once(*batch, start, loader.wait_seconds() - waited);
    if (place_.world.is_root()) progress.set_bar(step_);
    is_stopping = place_.stop.agreed(place_.world);
    for (Learner& learner : learners_) {
      if (learner.is_at(step_)) is_stopping = learner.keep(is_stopping);
    }
  }
}

void Trainer::tell_stop() const {
  const std::string signal = place_.stop.name();
  core::log_warning() << settings_.path.run << ": stopped by " << (signal.empty() ? "a signal to another rank" : signal)
                      << " at step " << step_ << " of " << course_.steps
                      << ", with a checkpoint: start the same command again to go on";
}

void Trainer::finish() {
  for (Learner& learner : learners_) learner.finish();
  place_.world.barrier();
}

}  // namespace permafrost::launch
