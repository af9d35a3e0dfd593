// Where a new run's network starts: from another run's, or from released weights (K710 pre-training, then K400).
#pragma once

#include <string>

#include "core/dist/dist_net.h"

namespace permafrost::launch {

// `from` is a run directory, of which the newest whole checkpoint is taken, or a safetensors file with dist_net.* or
// ladder_net.* names. Heads and optimisers start anew. Throws DataError naming the tensor that does not fit.
void load_initial_weights(core::DistNet& network, const std::string& from);

}  // namespace permafrost::launch
