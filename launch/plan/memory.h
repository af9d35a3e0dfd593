// What a train step keeps in a device's memory, estimated from the network's geometry.
//
//   const StepMemory memory = estimate_step_memory(config, 39868000, /*clips=*/4, "fp32");
//   memory.bytes() / 1e9   // GB
//
// An estimate: tensors that the backward pass needs, counted by hand off the network's forward (2 % less than measured
// for L/14, 5 % for B/16, on a CPU). Not counted: the allocator's slack, workspaces, a copy of features that do not lie
// layer by layer, and, where the frozen encoder runs too, its weights.
#pragma once

#include <cstdint>
#include <string>

#include "core/dist/dist_config.h"

namespace permafrost::launch {

struct StepMemory {
  int64_t clips = 0;            // computed at once on one device
  double state_bytes = 0;       // weights, gradients and both of Adam's moments, float32
  double batch_bytes = 0;       // pixels and features as they enter the network, float32 (features that a CPU
                                // narrows to bf16 are half of that)
  double activation_bytes = 0;  // kept for the backward pass
  double bytes() const { return state_bytes + batch_bytes + activation_bytes; }
};

// `precision`: "fp32" or "bf16", of products.
// `recomputes`: only what flows from layer to layer is kept, and what one layer needs.
StepMemory estimate_step_memory(const core::DistConfig& config, int64_t parameters, int64_t clips,
                                const std::string& precision, bool recomputes);

}  // namespace permafrost::launch
