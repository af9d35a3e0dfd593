#include "core/base/error.h"
#include "launch/verbs/dataset_verbs.h"

namespace permafrost::launch {

int dump_frames(Invocation&) { throw core::ConfigError("dataset frames is being built"); }

}  // namespace permafrost::launch
