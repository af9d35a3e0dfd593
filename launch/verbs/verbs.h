// The verbs of the program: each parses nothing itself, builds the parts its options name and calls them in order.
#pragma once

#include "launch/program.h"

namespace permafrost::launch {

int run_demo_verb(Invocation& invocation);
int run_dataset(Invocation& invocation);
int run_text(Invocation& invocation);
int run_plan(Invocation& invocation);
int run_cache(Invocation& invocation);
int run_train(Invocation& invocation);
int run_eval(Invocation& invocation);
int run_predict(Invocation& invocation);
int run_checkpoint(Invocation& invocation);
int run_report(Invocation& invocation);
int run_bench(Invocation& invocation);
int run_completion(Invocation& invocation);
int run_man(Invocation& invocation);
int run_doctor(Invocation& invocation);

}  // namespace permafrost::launch
