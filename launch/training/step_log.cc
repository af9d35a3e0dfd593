#include "launch/training/step_log.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <fstream>
#include <utility>

namespace permafrost::launch {
namespace {

constexpr int64_t kMostRanks = 1 << 20;

nlohmann::json describe(const std::vector<distributed::BucketTimes>& buckets) {
  nlohmann::json list = nlohmann::json::array();
  for (const distributed::BucketTimes& bucket : buckets) {
    list.push_back({{"bytes", bucket.bytes}, {"launched_ms", 1e3 * bucket.launched}, {"done_ms", 1e3 * bucket.done}});
  }
  return list;
}

}  // namespace

void StepLog::add_loss(double sum, int64_t correct, int64_t clips) {
  if (!std::isfinite(sum)) return;  // of a step that is going to be skipped
  loss_ += sum;
  correct_ += correct;
  clips_ += clips;
}

void StepLog::add_communication(std::vector<distributed::BucketTimes> buckets) {
  const distributed::Communication step = distributed::communication_of(buckets);
  communication_.busy_seconds += step.busy_seconds;
  communication_.exposed_seconds += step.exposed_seconds;
  buckets_ = std::move(buckets);
}

nlohmann::json StepLog::take(distributed::Communicator& world) {
  const double own = step_seconds_ - communication_.exposed_seconds;  // the rank that waits least is the slowest
  const std::vector<double> sums = world.all_reduce_sum(
      {loss_, static_cast<double>(correct_), static_cast<double>(clips_), static_cast<double>(resident_bytes()), own});
  // Microseconds, and below them the rank.
  const int64_t most = world.all_reduce_max(std::llround(1e6 * own) * kMostRanks + world.rank());
  const double slowest = static_cast<double>(most / kMostRanks) / 1e6;
  const double clips = std::max(sums[2], 1.0), steps = static_cast<double>(std::max<int64_t>(steps_, 1));
  const double step = std::max(step_seconds_, 1e-9), mean = std::max(sums[4] / world.size(), 1e-9);
  nlohmann::json line{{"loss", sums[0] / clips},
                      {"top1", sums[1] / clips},
                      {"samples_per_second", clips / step},
                      {"data_ms", 1e3 * data_seconds_ / steps},
                      {"compute_ms", 1e3 * (own - data_seconds_) / steps},
                      {"communication_ms", 1e3 * communication_.exposed_seconds / steps},
                      {"reduction_ms", 1e3 * communication_.busy_seconds / steps},
                      {"checkpoint_ms", 1e3 * checkpoint_seconds_ / steps},
                      {"data_share", data_seconds_ / step},
                      {"communication_share", communication_.exposed_seconds / step},
                      {"slowest_over_mean", std::max(1.0, slowest / mean)},
                      {"slowest_rank", most % kMostRanks},
                      {"buckets", describe(buckets_)},
                      {"gradient_norm", gradient_norm_},
                      {"memory_bytes", sums[3]}};
  *this = StepLog();
  return line;
}

int64_t resident_bytes() {
  int64_t total = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> total >> resident;
  return resident * ::sysconf(_SC_PAGESIZE);
}

}  // namespace permafrost::launch
