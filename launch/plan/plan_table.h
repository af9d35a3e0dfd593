// A plan as people read it.
//
//   std::cout << plan_table(make_plan(input), input, {.config = "k710.ini", .encoder = "vit_l14"});
#pragma once

#include <string>

#include "launch/plan/plan.h"

namespace permafrost::launch {

struct PlanNames {
  std::string config;
  std::string encoder;
};

// Several lines, each unit in a head or beside its number, every rate with where it comes from.
std::string plan_table(const Plan& plan, const PlanInput& input, const PlanNames& names);

// "cached int8", "online"
std::string described(const ModePlan& mode);
// Why it is the one: hours against those of the others, and what decides. One line.
std::string reason_of(const Plan& plan, const PlanInput& input);

}  // namespace permafrost::launch
