// Do the pieces in which a global batch is computed leave every group of mixup and cutmix whole?
//
//   require_whole_groups(settings, world.size());   // ConfigError with the numbers that would fit
#pragma once

#include <cstdint>

#include "launch/settings.h"

namespace permafrost::launch {

// Ranks take the parts [r*batch/ranks, (r+1)*batch/ranks) of a batch, and compute them train.micro_batch clips at a
// time. Throws ConfigError where recipe.mix_group is odd or does not divide each of those places.
void require_whole_groups(const Settings& settings, int64_t ranks);

}  // namespace permafrost::launch
