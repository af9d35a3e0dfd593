// A plan as programs read it: one object, units in the names.
//
//   std::cout << json_text(plan_json(make_plan(input), input, names), 2);
#pragma once

#include <nlohmann/json.hpp>

#include "launch/plan/plan.h"
#include "launch/plan/plan_table.h"

namespace permafrost::launch {

// {"config", "encoder", "nodes", ..., "rates": {NAME: {.., "origin"}}, "modes": [..], "recommended": {"mode", "codec",
// "reason"}}. `codec` and `break_even_epochs` are null where there is none.
nlohmann::json plan_json(const Plan& plan, const PlanInput& input, const PlanNames& names);

}  // namespace permafrost::launch
