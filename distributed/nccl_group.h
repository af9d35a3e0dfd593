// c10d's NCCL backend, where the build has one: nccl_group.cc with CUDA, no_nccl_group.cc without, chosen by CMake.
//
//   auto backend = make_nccl_backend(world, c10::Device(c10::kCUDA, session.local_rank()));
//
// Callers use make_process_group instead.
#pragma once

#include <c10/core/Device.h>

#include <torch/csrc/distributed/c10d/Backend.hpp>

#include "distributed/communicator.h"

namespace permafrost::distributed {

// Collective. NCCL's id travels over MPI (MpiStore). Throws ConfigError without CUDA in the build, without the GPU, or
// with another NCCL loaded than this program was built with.
c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const Communicator& communicator, c10::Device device);

// "2.28.9", of the library that is loaded; "" without one.
std::string nccl_version();

}  // namespace permafrost::distributed
