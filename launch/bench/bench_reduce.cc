#include "launch/bench/bench_reduce.h"

#include <vector>

#include "distributed/process_group.h"
#include "launch/bench/bench_compute.h"
#include "launch/timing.h"

namespace permafrost::launch {

double bench_reduce(distributed::Communicator& world, torch::Device device, int64_t bytes, int64_t rounds) {
  const auto group = distributed::make_process_group(world, device);
  const auto options = torch::TensorOptions().dtype(torch::kFloat32).device(device);
  std::vector<torch::Tensor> bucket{torch::zeros({bytes / static_cast<int64_t>(sizeof(float))}, options)};
  std::vector<double> seconds;
  for (int64_t round = 0; round <= rounds; ++round) {
    world.barrier();
    const Clock::time_point start = Clock::now();
    group->allreduce(bucket)->wait();
    wait_for(device);
    const int64_t slowest = world.all_reduce_max(static_cast<int64_t>(1e9 * seconds_since(start)));
    if (round > 0) seconds.push_back(1e-9 * static_cast<double>(slowest));  // the first one connects the ranks
  }
  return median(seconds);
}

}  // namespace permafrost::launch
