// Collects what the steps since the last line did, and makes one line of it for people and one for metrics.jsonl.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <vector>

#include "distributed/bucket_clock.h"
#include "distributed/communicator.h"

namespace permafrost::launch {

class StepLog {
 public:
  void add_loss(double sum, int64_t correct, int64_t clips);
  void add_step(double step_seconds, double data_seconds) {
    step_seconds_ += step_seconds;
    data_seconds_ += data_seconds;
    ++steps_;
  }
  // Of this rank's last step.
  void add_communication(std::vector<distributed::BucketTimes> buckets);
  void add_checkpoint(double seconds) { checkpoint_seconds_ += seconds; }
  void set_gradient_norm(double norm) { gradient_norm_ = norm; }

  int64_t steps() const { return steps_; }
  // Sums over the ranks and starts anew. Collective.
  nlohmann::json take(distributed::Communicator& world);

 private:
  double loss_ = 0, step_seconds_ = 0, data_seconds_ = 0, checkpoint_seconds_ = 0, gradient_norm_ = 0;
  distributed::Communication communication_;
  std::vector<distributed::BucketTimes> buckets_;  // of the last step
  int64_t correct_ = 0, clips_ = 0, steps_ = 0;
};

// Resident memory of this process, bytes.
int64_t resident_bytes();

}  // namespace permafrost::launch
