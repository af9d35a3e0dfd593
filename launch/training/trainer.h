// Trains DiST on cached features, on features computed in the step, or on both, over any number of ranks, and goes on
// by itself from the newest complete checkpoint. Several networks may learn from the same batches: what brings a batch,
// the frozen forward or the cache, is then paid once.
//
//   Trainer trainer(settings, {.key = cache.key(), .labels = cache.labels(), .clips = &clips, ...},
//                   {world, stop, watchdog, device});
//   return trainer.train();     // 0 done, 75 stopped early with a checkpoint
//
// The batches and their order are functions of (seed, epoch, number of videos), so all a checkpoint holds beside the
// weights and moments is the step. Same seed and same ranks give the same bits, resumed or not (on a CPU), and a
// network learns the same alone and beside others.
#pragma once

#include <deque>

#include "data/cache/feature_decoder.h"
#include "data/loader/clip_loader.h"
#include "launch/training/learner.h"
#include "launch/training/sweep.h"

namespace permafrost::launch {

class Trainer {
 public:
  // One network, or one for each point of settings.sweep. Collective. Throws ConfigError where options, cache and
  // checkpoints do not fit together.
  Trainer(const Settings& settings, TrainingSet set, const TrainingPlace& place);

  // Returns an exit code. Collective.
  int train();
  // Of a sweep: none of its networks has finite gradients any more.
  bool has_diverged() const;

  std::deque<Learner>& learners() { return learners_; }
  const std::deque<Learner>& learners() const { return learners_; }
  const std::vector<SweepPoint>& points() const { return points_; }

 private:
  data::ClipLoader::RequestFunction requests();
  void step_once(const data::Batch& batch, const Clock::time_point& start, double data_seconds);
  Examples examples_of(const data::Batch& batch, int64_t begin, int64_t end);
  bool is_complete() const;
  void run_steps();
  void tell_stop() const;
  void finish();

  const Settings& settings_;
  TrainingSet set_;
  TrainingPlace place_;
  data::OrderOptions order_;
  int64_t first_clip_;  // of this rank, in the global batch
  Course course_;
  std::vector<SweepPoint> points_;  // one, without a name, where nothing is swept
  std::deque<Learner> learners_;    // of these points
  int64_t step_ = 0;                // of the network that is furthest behind
  data::FeatureDecoder decoder_;
};

}  // namespace permafrost::launch
