// What reckon_scaling() found, for people and for programs.
//
//   std::cout << scaling_table(input, rows);
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "launch/plan/scaling.h"

namespace permafrost::launch {

std::string scaling_table(const ScalingInput& input, const std::vector<ScalingRow>& rows);

// {"compute_ms", "origin", "clips_per_rank", "spread", "buckets": [{"bytes", "launched_ms"}, ..], "link": {..},
// "scaling": [{"ranks", "nodes", "step_ms", ..}, ..]}
nlohmann::json scaling_json(const ScalingInput& input, const std::vector<ScalingRow>& rows);

}  // namespace permafrost::launch
