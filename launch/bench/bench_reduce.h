// How fast the ranks of a job add up a bucket of gradients (tests/bench/README.md, "reduce").
#pragma once

#include <torch/types.h>

#include <cstdint>

#include "distributed/communicator.h"

namespace permafrost::launch {

// The median over `rounds` of the seconds that the slowest rank took for an all-reduce of `bytes` of float32, on the
// process group that training uses. The same on every rank. Collective.
double bench_reduce(distributed::Communicator& world, torch::Device device, int64_t bytes, int64_t rounds);

}  // namespace permafrost::launch
