// When each bucket of gradients was given to the other ranks, and when it came back.
//
//   BucketClock clock(group);
//   reducer.register_comm_hook(clock.hook());    // averages over the ranks, as c10d::Reducer would itself
//   clock.start();                               // before each backward
//   for (const BucketTimes& bucket : clock.times()) ...
//
// Of a GPU, whose collectives are only queued when the call returns, the times are those of the queue.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <torch/csrc/distributed/c10d/comm.hpp>
#include <vector>

namespace permafrost::distributed {

// Seconds since the start of backward.
struct BucketTimes {
  int64_t bytes = 0;
  double launched = 0, done = 0;
};

// What communication took, and how much of it nothing was computed beside: from the last bucket's launch, when backward
// has nothing left to do, to the last one's end.
struct Communication {
  double busy_seconds = 0, exposed_seconds = 0;
};
Communication communication_of(const std::vector<BucketTimes>& buckets);

class BucketClock {
 public:
  explicit BucketClock(c10::intrusive_ptr<c10d::ProcessGroup> group) : group_(std::move(group)) {}

  std::unique_ptr<c10d::CommHookInterface> hook() const;
  void start();
  // In the order of their launch. Once all buckets are done.
  std::vector<BucketTimes> times() const;

 private:
  class Hook;
  struct Record {
    std::mutex mutex;
    std::chrono::steady_clock::time_point start;
    std::vector<BucketTimes> buckets;
  };

  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  std::shared_ptr<Record> record_ = std::make_shared<Record>();  // of the callbacks too
};

}  // namespace permafrost::distributed
