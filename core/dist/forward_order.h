// The order in which a classifier's forward first uses its parameters; backward is done with them in the reverse order.
// They are registered by kind, which is another order: a bucket of gradients in it waits for the first layer.
//
//   for (const size_t i : forward_order(names)) buckets.add(parameters[i]);
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace permafrost::core {

// `names` below a Classifier ("dist_net.temporal_stem.weight", "head.weight"): their indices in that order. Parameters
// of one sub-network keep theirs.
std::vector<size_t> forward_order(const std::vector<std::string>& names);

}  // namespace permafrost::core
