// Where a rank computes: with how many threads, on which cores, on which device.
//
//   const int64_t threads = place_threads(invocation);
//   const torch::Device device = place_device(invocation);
//   log_placement(world, threads, device);
#pragma once

#include <torch/types.h>

#include <string>
#include <vector>

#include "distributed/communicator.h"
#include "launch/program.h"

namespace permafrost::launch {

// Sets the compute threads of this rank: the option, or the node's cores over its ranks. Returns them. Where the
// launcher has bound nothing, the rank is bound to the memory node of its GPU, or to its share of the memory nodes
// (numa.h): call it before threads are started.
int64_t place_threads(const Invocation& invocation);

// Where this rank computes: the CPU, or the GPU of its place among the node's ranks, or the only one that it can see.
// For a GPU it also sets how LibTorch uses cuDNN: fp32 is fp32. Throws ConfigError where a node has several GPUs and
// more ranks than these, or --device asks for one that is not there.
torch::Device place_device(const Invocation& invocation);

// Says on rank 0 where every rank is, in a line for those who are alike, and returns these lines there. Collective.
std::vector<std::string> log_placement(distributed::Communicator& world, int64_t threads, torch::Device device);

}  // namespace permafrost::launch
