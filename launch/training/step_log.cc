#include "launch/training/step_log.h"

#include <unistd.h>

#include <algorithm>
#include <fstream>

namespace permafrost::launch {

void StepLog::add_loss(double sum, int64_t correct, int64_t clips) {
  loss_ += sum;
  correct_ += correct;
  clips_ += clips;
}

nlohmann::json StepLog::take(distributed::Communicator& world) {
  const std::vector<double> sums = world.all_reduce_sum(
      {loss_, static_cast<double>(correct_), static_cast<double>(clips_), static_cast<double>(resident_bytes())});
  const double clips = std::max(sums[2], 1.0), steps = static_cast<double>(std::max<int64_t>(steps_, 1));
  nlohmann::json line{{"loss", sums[0] / clips},
                      {"top1", sums[1] / clips},
                      {"samples_per_second", clips / std::max(step_seconds_, 1e-9)},
                      {"data_ms", 1e3 * data_seconds_ / steps},
                      {"compute_ms", 1e3 * (step_seconds_ - data_seconds_) / steps},
                      {"checkpoint_ms", 1e3 * checkpoint_seconds_ / steps},
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
