// The linear probe on a cache's own frozen features: the baseline that a temporal network has to beat.
//
//   nlohmann::json result = probe(cache, "val");   // {"top1", "regularisations": [{"l2", "top1"}, ...]}
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "data/cache/cache_reader.h"

namespace permafrost::launch {

// Trains on every view of every training video; evaluates on each video of `split`, its views' features averaged.
nlohmann::json probe(const data::CacheReader& cache, const std::string& split);

}  // namespace permafrost::launch
