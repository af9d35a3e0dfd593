#include <sstream>

#include "launch/settings.h"

namespace permafrost::launch {
namespace {

// Beyond what any run can want, within what the arithmetic on it bears.
constexpr int64_t kLargestCount = int64_t{1} << 30;
constexpr double kLeastEpochs = 1e-6, kMostEpochs = 1e6, kMostRate = 1e3;
constexpr double kLeastPlanRate = 1e-6, kMostPlanRate = 1e9;
constexpr double kMostStageGigabytes = 1e9, kMostDeadline = 1e7;

std::string shown(double value) {
  std::ostringstream text;
  text << value;
  return text.str();
}

std::string found_instead(const char* name, auto value, const std::string& expected) {
  std::ostringstream text;
  text << "option '" << name << "' is " << value << ", expected " << expected;
  return text.str();
}

// A folder and its bound come together.
void demand_stage(const Settings& s, const auto& demand) {
  const double gigabytes = s.stage.gigabytes;
  if (s.path.stage.empty()) {
    demand(gigabytes == 0, found_instead("stage-gb", gigabytes, "--stage, the folder of the copies, beside it"));
  } else {
    demand(gigabytes > 0 && gigabytes <= kMostStageGigabytes,
           found_instead("stage-gb", gigabytes, "more than 0 beside --stage, at most " + shown(kMostStageGigabytes)));
  }
}

}  // namespace

std::vector<std::string> faults_of(const Settings& s) {
  std::vector<std::string> faults;
  const auto demand = [&](bool holds, const std::string& what) {
    if (!holds) faults.push_back(what);
  };
  const auto at_least = [&](const char* name, int64_t value, int64_t least) {
    demand(value >= least, found_instead(name, value, "at least " + std::to_string(least)));
    demand(value <= kLargestCount, found_instead(name, value, "at most " + std::to_string(kLargestCount)));
  };
  const auto within = [&](const char* name, double value, double least, double most) {  // never true of nan
    demand(value >= least && value <= most, found_instead(name, value, shown(least) + " to " + shown(most)));
  };
  demand_stage(s, demand);
  at_least("threads", s.threads, 0);
  at_least("frames", s.dataset.frames, 1);
  at_least("fold", s.dataset.fold, 1);
  within("time-limit", s.dataset.time_limit, 0.1, 1e6);
  at_least("memory-limit", s.dataset.memory_limit, 16);
  at_least("views", s.dataset.views, 1);
  demand(s.dataset.view >= 0 && s.dataset.view < s.dataset.views,
         found_instead("view", s.dataset.view, "0 to views - 1 (" + std::to_string(s.dataset.views - 1) + ")"));
  at_least("sampling.frames", s.sampling.frames, 1);
  at_least("sampling.alpha", s.sampling.alpha, 1);
  demand(s.sampling.alpha < 1 || s.sampling.frames % s.sampling.alpha == 0,
         found_instead("sampling.frames", s.sampling.frames,
                       "a multiple of sampling.alpha (" + std::to_string(s.sampling.alpha) + ")"));
  at_least("sampling.train_views", s.sampling.train_views, 1);
  at_least("sampling.eval_views", s.sampling.eval_views, 1);
  demand(s.sampling.eval_crops == 1 || s.sampling.eval_crops == 3,
         "option 'sampling.eval_crops' is " + std::to_string(s.sampling.eval_crops) + ", expected 1 or 3");
  at_least("cache.image_size", s.cache.image_size, 0);
  within("cache.bits", s.cache.bits, 2, 8);
  at_least("cache.audit_clips", s.cache.audit_clips, 1);
  at_least("cache.videos_per_shard", s.cache.videos_per_shard, 1);
  at_least("model.integration_dim", s.model.integration_dim, 64);
  demand(s.model.integration_dim % 64 == 0,
         found_instead("model.integration_dim", s.model.integration_dim, "a multiple of 64"));
  at_least("model.temporal_dim", s.model.temporal_dim, 1);
  at_least("model.pooling_layers", s.model.pooling_layers, 1);
  at_least("model.temporal_patch", s.model.temporal_patch, 1);
  demand(s.model.temporal_patch % 2 != 0,
         found_instead("model.temporal_patch", s.model.temporal_patch, "an odd number"));
  at_least("model.embedding", s.model.embedding, 1);
  at_least("recipe.batch", s.recipe.batch, 1);
  within("recipe.epochs", s.recipe.schedule.epochs, kLeastEpochs, kMostEpochs);
  within("recipe.warmup_epochs", s.recipe.schedule.warmup_epochs, 0, kMostEpochs);
  within("recipe.learning_rate", s.recipe.schedule.learning_rate, 0, kMostRate);
  within("recipe.warmup_start", s.recipe.schedule.warmup_start, 0, kMostRate);
  within("recipe.weight_decay", s.recipe.weight_decay, 0, kMostRate);
  within("recipe.label_smoothing", s.recipe.label_smoothing, 0, 0.999);
  within("recipe.clip_norm", s.recipe.clip_norm, 0, kMostEpochs);
  demand(s.recipe.ema_decay >= 0 && s.recipe.ema_decay < 1,
         found_instead("recipe.ema_decay", s.recipe.ema_decay, "0 to less than 1"));
  at_least("recipe.mix_group", s.recipe.mix.group, 0);
  within("recipe.mixup", s.recipe.mix.mixup, 0, kMostRate);
  within("recipe.cutmix", s.recipe.mix.cutmix, 0, kMostRate);
  within("recipe.cutmix_probability", s.recipe.mix.cutmix_probability, 0, 1);
  at_least("train.checkpoint_every_epochs", s.train.checkpoint_every_epochs, 1);
  at_least("train.checkpoint_every_steps", s.train.checkpoint_every_steps, 0);
  within("train.checkpoint_every_minutes", s.train.checkpoint_every_minutes, 0, kMostRate * kMostRate);
  at_least("train.evaluate_every_epochs", s.train.evaluate_every_epochs, 0);
  at_least("train.most_skipped_steps", s.train.most_skipped_steps, 0);
  at_least("train.keep_checkpoints", s.train.keep_checkpoints, 1);
  at_least("train.log_every_steps", s.train.log_every_steps, 1);
  at_least("train.loader_threads", s.train.loader_threads, 1);
  at_least("train.prefetch_batches", s.train.prefetch_batches, 1);
  at_least("train.micro_batch", s.train.micro_batch, 0);
  at_least("train.bucket_mib", s.train.bucket_mib, 1);
  within("deadline.start", s.deadline.start, 0, kMostDeadline);
  within("deadline.step", s.deadline.step, 0, kMostDeadline);
  within("deadline.shutdown", s.deadline.shutdown, 0, kMostDeadline);
  at_least("eval.batch", s.eval.batch, 1);
  within("eval.clip_weight", s.eval.clip_weight, 0, 1);
  at_least("bench.batch", s.bench.batch, 0);
  at_least("bench.steps", s.bench.steps, 1);
  at_least("bench.decoder_threads", s.bench.decoder_threads, 1);
  within("bench.seconds", s.bench.seconds, 0, 3600);
  at_least("predict.top", s.predict.top, 1);
  at_least("nodes", s.plan.nodes, 1);
  at_least("gpus", s.plan.gpus, 1);
  within("storage-gbps", s.plan.storage_gbps, kLeastPlanRate, kMostPlanRate);
  at_least("plan.train_videos", s.plan.train_videos, 0);
  at_least("plan.eval_videos", s.plan.eval_videos, 0);
  within("plan.frozen_tflops", s.plan.frozen_tflops, 0, kMostPlanRate);
  within("plan.step_tflops", s.plan.step_tflops, 0, kMostPlanRate);
  within("plan.decode_clips", s.plan.decode_clips, kLeastPlanRate, kMostPlanRate);
  at_least("plan.cores", s.plan.cores, 0);
  within("plan.write_gbps", s.plan.write_gbps, 0, kMostPlanRate);
  within("link-gbit", s.plan.link_gbit, kLeastPlanRate, kMostPlanRate);
  within("link-latency-us", s.plan.link_latency_us, 0, kMostPlanRate);
  within("plan.inner_gbit", s.plan.inner_gbit, 0, kMostPlanRate);
  within("plan.inner_latency_us", s.plan.inner_latency_us, 0, kMostPlanRate);
  within("plan.spread", s.plan.spread, -1, 10);
  within("plan.capacity_tb", s.plan.capacity_tb, 0, kMostPlanRate);
  at_least("demo.train_clips_per_class", s.demo.train_clips_per_class, 0);
  at_least("demo.validation_clips_per_class", s.demo.validation_clips_per_class, 0);
  at_least("demo.encoder_steps", s.demo.encoder_steps, 0);
  return faults;
}

}  // namespace permafrost::launch
