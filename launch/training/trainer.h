// Trains DiST on cached features, on features computed in the step, or on both, over any number of ranks, and goes on
// by itself from the newest complete checkpoint.
//
//   Trainer trainer(settings, {.key = cache.key(), .labels = cache.labels(), .clips = &clips, ...},
//                   {world, stop, watchdog, device}, run);
//   return trainer.train();     // 0 done, 75 stopped early with a checkpoint
//
// The batches and their order are functions of (seed, epoch, number of videos), so all a checkpoint holds beside the
// weights and moments is the step. Same seed and same ranks give the same bits, resumed or not (on a CPU).
#pragma once

#include <optional>
#include <vector>

#include "core/checkpoint/checkpoint.h"
#include "core/checkpoint/checkpoint_writer.h"
#include "core/dist/classifier.h"
#include "data/cache/cache_key.h"
#include "data/cache/feature_decoder.h"
#include "data/loader/clip_loader.h"
#include "data/loader/shard_stage.h"
#include "distributed/communicator.h"
#include "distributed/stop_signal.h"
#include "distributed/watchdog.h"
#include "launch/settings.h"
#include "launch/timing.h"
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
};

// Where it is trained. All of it outlives the trainer.
struct TrainingPlace {
  distributed::Communicator& world;
  const distributed::StopSignal& stop;
  distributed::Watchdog& watchdog;
  torch::Device device;
};

class Trainer {
 public:
  // Builds the network and the optimiser on the device, and loads the newest checkpoint where there is one. Collective.
  // Throws ConfigError where options, cache and checkpoint do not fit together.
  Trainer(const Settings& settings, TrainingSet set, const TrainingPlace& place, std::optional<RunDirectory>& run);

  // Returns an exit code. Collective.
  int train();

 private:
  void resume(const core::Checkpoint& checkpoint);
  data::ClipLoader::RequestFunction requests();
  void step_once(const data::Batch& batch);
  void add(const data::Batch& batch, int64_t begin, int64_t end);
  void skip();
  void save();
  void finish(const char* state);
  void write_line();
  void set_status(const char* state);
  nlohmann::json state() const;
  nlohmann::json recipe() const;
  double epoch() const;
  bool is_checkpoint_due() const;

  const Settings& settings_;
  TrainingSet set_;
  torch::Device device_;
  distributed::Communicator& world_;
  const distributed::StopSignal& stop_;
  distributed::Watchdog& watchdog_;
  std::optional<RunDirectory>& run_;  // only on rank 0
  core::DistConfig config_;
  data::OrderOptions order_;
  int64_t first_clip_;  // of this rank, in the global batch
  int64_t steps_per_epoch_, steps_, step_ = 0, resumes_ = 0;
  int64_t skipped_ = 0, skipped_in_a_row_ = 0;
  TrainStep train_step_;
  data::FeatureDecoder decoder_;
  std::optional<core::CheckpointStore> store_;    // only on rank 0
  std::optional<core::CheckpointWriter> writer_;  // there too
  Clock::time_point last_save_ = Clock::now();
  StepLog log_;
};

}  // namespace permafrost::launch
