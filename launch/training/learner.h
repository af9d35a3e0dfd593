// One network that learns: its weights, optimiser, checkpoints and run directory. The Trainer brings the batches.
//
//   Learner learner(settings, set, place, course, group, "runs/a");
//   while (!learner.is_done()) {
//     for (each micro-batch) learner.add(examples, is_last);
//     learner.finish_step(start, data_seconds);
//     is_stopping = learner.keep(is_stopping);
//   }
//   learner.finish();
//
// All it remembers beside weights and moments is the step: what a checkpoint holds is enough to go on to the same bits.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/base/file_lock.h"
#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/checkpoint_writer.h"
#include "core/recipe/weight_average.h"
#include "data/loader/shard_stage.h"
#include "distributed/watchdog.h"
#include "launch/settings.h"
#include "launch/timing.h"
#include "launch/training/evaluation.h"
#include "launch/training/run_directory.h"
#include "launch/training/step_log.h"
#include "launch/training/train_step.h"

namespace permafrost::launch {

// What is trained on, wherever its features come from.
struct TrainingSet {
  data::CacheKey key;               // how its clips are made
  std::vector<std::string> labels;  // the position is the target
  std::string identity;             // of its videos: another is another run
  std::string where;                // for complaints
  const data::ClipSource* clips = nullptr;
  data::ShardStage* stage = nullptr;  // outlives the trainer
  std::vector<int> staging_for{};     // the ranks whose reads this one stages: those of its node, or none
  const data::ClipSource* validation = nullptr;
  int64_t validation_videos = 0, validation_views = 0;
};

// Where it is trained. All of it outlives the trainer.
struct TrainingPlace {
  distributed::Communicator& world;
  const distributed::StopSignal& stop;
  distributed::Watchdog& watchdog;
  torch::Device device;
};

struct Course {
  int64_t steps_per_epoch = 1, steps = 0;
};

// Clips of a batch, mixed, on the device: what every network that learns is given.
struct Examples {
  torch::Tensor pixels;    // [b, F, 3, S, S]
  torch::Tensor features;  // [b, N, t, L, C]
  torch::Tensor targets;   // float32 [b, K]
  torch::Tensor labels;    // int64 [b]
};

class Learner {
 public:
  // Builds the network and the optimiser, and loads the newest checkpoint of `run` where there is one. Collective.
  // Throws ConfigError where options, cache and checkpoint do not fit together. `set` and `settings` outlive it.
  Learner(const Settings& settings, const TrainingSet& set, const TrainingPlace& place, const Course& course,
          const c10::intrusive_ptr<c10d::ProcessGroup>& group, const std::string& run);

  int64_t step() const { return step_; }
  // Nothing is left to do: all steps and evaluations are done, or, in a sweep, its gradients are finite no more.
  bool is_complete() const { return has_diverged_ || (is_done() && !is_evaluation_due()); }
  bool has_diverged() const { return has_diverged_; }
  // It takes part in what follows `step`.
  bool is_at(int64_t step) const { return !has_diverged_ && step_ == step; }
  const core::DistConfig& network() const { return config_; }
  RunDirectory* run() { return run_ ? &*run_ : nullptr; }  // of rank 0; null elsewhere

  // The gradient of some clips. With `is_last` averaged over the ranks: collective.
  void add(const Examples& examples, bool is_last);
  // AdamW, or, where the gradient is not finite, a skipped step: on all ranks alike. The step began at `start`,
  // whatever other networks took of it, and waited `data_seconds` for clips. Where too many are skipped in a row, a
  // network of a sweep stays where it is; one alone is a DataError.
  void finish_step(const Clock::time_point& start, double data_seconds);
  // What is due after a step: a line, a checkpoint, an evaluation. Returns whether the job is to stop: it was stopping
  // already, or a signal broke the evaluation off, which a later start makes up for. Collective.
  bool keep(bool is_stopping);
  // An evaluation that is due and was not made, when the run is started again; returns as keep() does.
  bool catch_up(bool is_stopping);
  // Once: waits for the last checkpoint to be on disk, and says how the run ended.
  void finish();
  // Of a line of the sweep's table: {"step", "loss", "top1", "validation_top1", ...}, on rank 0.
  nlohmann::json summary() const;

 private:
  void resume(const core::Checkpoint& checkpoint);
  void skip();
  bool evaluate_now();
  void save();
  void write_line();
  void set_status(const char* state);
  nlohmann::json state() const;
  nlohmann::json recipe() const;
  double epoch() const { return static_cast<double>(step_) / static_cast<double>(course_.steps_per_epoch); }
  bool is_done() const { return step_ >= course_.steps; }
  bool is_evaluation_due() const;
  bool is_checkpoint_due() const;

  const Settings& settings_;
  const TrainingSet& set_;
  TrainingPlace place_;
  Course course_;
  core::DistConfig config_;
  std::optional<core::DirectoryLock> lock_;  // this and the next on rank 0 only
  std::optional<RunDirectory> run_;
  std::optional<core::CheckpointStore> store_;
  std::optional<core::CheckpointWriter> writer_;
  TrainStep train_step_;
  std::optional<core::WeightAverage> average_;
  int64_t step_ = 0, resumes_ = 0, skipped_ = 0, skipped_in_a_row_ = 0;
  int64_t evaluated_step_ = 0;  // 0: none yet
  bool has_diverged_ = false, has_written_line_ = false;
  nlohmann::json evaluation_, last_line_;  // on rank 0: {"step", "top1", ...}, {"loss", "top1", ...}; null before
  Clock::time_point last_save_ = Clock::now();
  StepLog log_;
};

}  // namespace permafrost::launch
