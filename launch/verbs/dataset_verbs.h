// What `permafrost dataset` does, by its second word.
#pragma once

#include "launch/program.h"

namespace permafrost::launch {

int scan_dataset(Invocation& invocation);
int merge_datasets(Invocation& invocation);
int tell_dataset(Invocation& invocation);
int dump_frames(Invocation& invocation);

}  // namespace permafrost::launch
