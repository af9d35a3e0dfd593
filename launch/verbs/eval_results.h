// What `permafrost eval` does beside evaluating a run, and where all of it tells and keeps what came out.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "launch/program.h"

namespace permafrost::launch {

// --combine: an ensemble of score files; no network runs.
int combine_scores(Invocation& invocation);
// --probe: a linear probe on the mean-pooled frozen features of a cache.
int evaluate_probe(Invocation& invocation);
// --summary: the accuracies that a run has kept, under one another.
int print_summary(Invocation& invocation);

// Prints a result: as JSON with --json, else in a line.
void tell_result(const Settings& settings, const nlohmann::json& result);
// To --out, or into the run: eval.json is of the validation videos and all classes, eval_train.json of other videos,
// eval_kinetics400.json of some classes. No evaluation takes the place of another.
void keep_result(const Settings& settings, const std::string& name, const nlohmann::json& result);

}  // namespace permafrost::launch
