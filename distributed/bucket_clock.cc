#include "distributed/bucket_clock.h"

#include <algorithm>
#include <utility>

#include "core/base/clock.h"

namespace permafrost::distributed {

using core::seconds_since;

class BucketClock::Hook : public c10d::CommHookInterface {
 public:
  Hook(c10::intrusive_ptr<c10d::ProcessGroup> group, std::shared_ptr<Record> record)
      : group_(std::move(group)), record_(std::move(record)) {}

  c10::intrusive_ptr<c10::ivalue::Future> runHook(c10d::GradBucket& bucket) override {
    std::vector<at::Tensor> tensors = {bucket.getBufferRef()};
    size_t index;
    {
      const std::lock_guard lock(record_->mutex);
      index = record_->buckets.size();
      record_->buckets.push_back(
          {.bytes = static_cast<int64_t>(tensors[0].nbytes()), .launched = seconds_since(record_->start)});
    }
    c10d::AllreduceOptions options;
    options.reduceOp = c10d::ReduceOp::AVG;
    // The reducer waits for what this returns, so that the time is there when it goes on.
    return group_->allreduce(tensors, options)
        ->getFuture()
        ->then(
            [record = record_, index](c10::ivalue::Future& reduced) {
              const std::lock_guard lock(record->mutex);
              record->buckets.at(index).done = seconds_since(record->start);
              return reduced.value();
            },
            c10::ListType::create(c10::TensorType::get()));
  }

  at::Tensor parseHookResult(const c10::IValue& result) override {
    return c10d::detail::parseCppCommHookResult(result);
  }

 private:
  c10::intrusive_ptr<c10d::ProcessGroup> group_;
  std::shared_ptr<Record> record_;
};

std::unique_ptr<c10d::CommHookInterface> BucketClock::hook() const { return std::make_unique<Hook>(group_, record_); }

void BucketClock::start() {
  const std::lock_guard lock(record_->mutex);
  record_->buckets.clear();
  record_->start = std::chrono::steady_clock::now();
}

std::vector<BucketTimes> BucketClock::times() const {
  const std::lock_guard lock(record_->mutex);
  return record_->buckets;
}

Communication communication_of(const std::vector<BucketTimes>& buckets) {
  Communication sum;
  double launched = 0, done = 0;               // the latest so far
  for (const BucketTimes& bucket : buckets) {  // in the order of their launch: what overlaps counts once
    sum.busy_seconds += std::max(0.0, bucket.done - std::max(bucket.launched, done));
    launched = std::max(launched, bucket.launched);
    done = std::max(done, bucket.done);
  }
  sum.exposed_seconds = std::max(0.0, done - launched);
  return sum;
}

}  // namespace permafrost::distributed
