#include "distributed/nccl_group.h"

#include <c10/cuda/CUDAFunctions.h>
#include <nccl.h>

#include <chrono>
#include <string>
#include <torch/csrc/distributed/c10d/ProcessGroupNCCL.hpp>

#include "core/base/error.h"
#include "distributed/mpi_store.h"

namespace permafrost::distributed {
namespace {

int loaded_version() {
  int version = 0;
  const ncclResult_t result = ncclGetVersion(&version);
  if (result != ncclSuccess) throw core::IoError(std::string("ncclGetVersion: ") + ncclGetErrorString(result));
  return version;
}

void check_version() {
  const int version = loaded_version();
  if (version == NCCL_VERSION_CODE) return;
  throw core::ConfigError("NCCL " + std::to_string(version) + " is loaded, expected " +
                          std::to_string(NCCL_VERSION_CODE) +
                          ", which LibTorch was built with: take other NCCL folders out of LD_LIBRARY_PATH");
}

void check_device(c10::Device device) {
  const int count = c10::cuda::device_count();
  if (device.has_index() && device.index() >= 0 && device.index() < count) return;
  throw core::ConfigError("device " + device.str() + ": this machine offers " + std::to_string(count) +
                          " CUDA devices, numbered from 0: start as many ranks a node as it has GPUs, or use the CPU");
}

}  // namespace

c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const Communicator& communicator, c10::Device device) {
  check_version();
  check_device(device);
  c10::cuda::set_device(device.index());
  // A job that hangs is the watchdog's, which names the rank; NCCL's own would be earlier, and name none.
  const auto options = c10d::ProcessGroupNCCL::Options::create();
  options->timeout = std::chrono::hours(24 * 365);
  return c10::make_intrusive<c10d::ProcessGroupNCCL>(c10::make_intrusive<MpiStore>(communicator), communicator.rank(),
                                                     communicator.size(), options);
}

// As NCCL numbers them: 22809 is 2.28.9.
std::string nccl_version() {
  const int version = loaded_version();
  return std::to_string(version / 10000) + "." + std::to_string(version / 100 % 100) + "." +
         std::to_string(version % 100);
}

}  // namespace permafrost::distributed
