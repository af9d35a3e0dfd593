// Where a rank computes: with how many threads, on which device.
//
//   const int64_t threads = place_threads(invocation);
//   const torch::Device device = place_device(invocation);
#pragma once

#include <torch/types.h>

#include "launch/program.h"

namespace permafrost::launch {

// Sets the compute threads of this rank: the option, or the node's cores over its ranks. Returns them.
int64_t place_threads(const Invocation& invocation);

// Where this rank computes: the CPU, or the GPU of its place among the node's ranks, or the only one that it can see.
// For a GPU it also sets how LibTorch uses cuDNN: fp32 is fp32. Throws ConfigError where a node has several GPUs and
// more ranks than these, or --device asks for one that is not there.
torch::Device place_device(const Invocation& invocation);

}  // namespace permafrost::launch
