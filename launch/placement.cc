#include "launch/placement.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <torch/cuda.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "core/base/error.h"

namespace permafrost::launch {

int64_t place_threads(const Invocation& invocation) {
  const int64_t node_cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  const int64_t own_cores = std::max<int64_t>(1, std::thread::hardware_concurrency());  // those we may run on
  const int64_t ranks = invocation.session == nullptr ? 1 : invocation.session->local_size();
  const bool is_bound = own_cores < node_cores;  // the launcher has shared the cores out already
  const int64_t share = std::max<int64_t>(1, is_bound ? own_cores : own_cores / ranks);
  const int64_t threads = invocation.settings.threads > 0 ? invocation.settings.threads : share;
  at::set_num_threads(static_cast<int>(threads));
  return threads;
}

torch::Device place_device(const Invocation& invocation) {
  const std::string& wanted = invocation.settings.device;
  const auto gpus = static_cast<int64_t>(torch::cuda::device_count());
  if (wanted == "cpu" || (wanted == "auto" && gpus == 0)) return torch::kCPU;
  if (gpus == 0) {
    throw core::ConfigError(
        "option 'device' is cuda, expected a GPU, found none: give --device cpu, or see whether a driver is there and "
        "the program was built with CUDA");
  }
  const int64_t ranks = invocation.session == nullptr ? 1 : invocation.session->local_size();
  if (gpus > 1 && gpus < ranks) {  // where the launcher gives each rank one, each sees one
    throw core::ConfigError("option 'device' is " + wanted + ", expected a GPU for each rank of this node (" +
                            std::to_string(ranks) + "), found " + std::to_string(gpus) +
                            ": start as many ranks as there are GPUs, or give --device cpu");
  }
  at::globalContext().setAllowTF32CuDNN(false);  // fp32 is to mean fp32
  at::globalContext().setBenchmarkCuDNN(true);   // a step has the same shapes as the one before
  const int64_t index = gpus > 1 && invocation.session != nullptr ? invocation.session->local_rank() : 0;
  return {torch::kCUDA, static_cast<c10::DeviceIndex>(index)};
}

}  // namespace permafrost::launch
