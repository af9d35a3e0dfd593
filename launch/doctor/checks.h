// The checks of `permafrost doctor`, by where they look. None throws for what it looks at.
#pragma once

#include <string>
#include <vector>

#include "distributed/communicator.h"
#include "launch/doctor/finding.h"

namespace permafrost::launch {

// Of this node: processor, memory, limits of the process, shared memory, video decoders.
std::vector<Finding> check_machine();
// Of this node: what starts jobs (MPI, PMIx, Slurm) and what they would compute on (GPUs, their driver, CUDA, NCCL).
std::vector<Finding> check_launchers(const distributed::MpiSession& session);
std::vector<Finding> check_gpus();

// A folder that caches or runs are to lie in: room, speed of writing and reading, and whether a lock that one process
// holds is seen by another, on whatever node. On rank 0 what was found; collective.
std::vector<Finding> check_folder(distributed::Communicator& world, const std::string& folder);
// The link between ranks, as gradients that are summed on processors meet it. On rank 0; collective, of several ranks.
Finding check_link(distributed::Communicator& world);

// What `command` (a program of PATH and its arguments, no shell) prints on stdout and stderr; "" where it is not there,
// fails or takes over 10 s.
std::string output_of(const std::vector<std::string>& command);

}  // namespace permafrost::launch
