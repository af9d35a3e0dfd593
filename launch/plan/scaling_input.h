// Where reckon_scaling() gets its numbers: a run that was measured, or a plan's rates and the network's geometry.
//
//   const ScalingInput input = run.empty() ? scaling_of_plan(settings, plan_input, network)
//                                          : scaling_of_run(settings, run, network);
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/dist/dist_config.h"
#include "launch/plan/plan.h"
#include "launch/plan/scaling.h"
#include "launch/settings.h"

namespace permafrost::launch {

// The geometry, for who needs it: may throw ConfigError.
using NetworkOf = std::function<core::DistConfig()>;

// Medians of the lines of RUN/metrics.jsonl but the first, whose steps warm up: compute, clips, the spread of the ranks
// and, of several ranks, bytes and launches of the buckets. A run of one rank has no buckets: those of `network` are
// taken, as for a plan. Threads and device are the run's. Throws DataError for a run without such lines.
ScalingInput scaling_of_run(const Settings& settings, const std::string& run, const NetworkOf& network);

// A device's share of the batch at its rate. The gradients of all layers are as large and come as long after one
// another, so the buckets are launched evenly by their bytes; backward is assumed to be the last 2/3 of a step.
ScalingInput scaling_of_plan(const Settings& settings, const PlanInput& plan, const core::DistConfig& network);

}  // namespace permafrost::launch
