// The c10d process group of a device: MPI between CPUs, NCCL between GPUs.
//
//   c10::Device device(c10::kCPU);
//   c10::intrusive_ptr<c10d::ProcessGroup> group = make_process_group(world, device);
//   GradientReducer reducer(model->parameters(), group);
//
// On a GPU `device` has the index of this rank's GPU, MpiSession::local_rank().
#pragma once

#include <c10/core/Device.h>

#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>

#include "distributed/communicator.h"

namespace permafrost::distributed {

// Collective. The group shuts its backend down when it goes; that too is collective. Throws ConfigError for a device
// that this build or this machine does not offer.
c10::intrusive_ptr<c10d::ProcessGroup> make_process_group(Communicator& communicator, c10::Device device);

}  // namespace permafrost::distributed
