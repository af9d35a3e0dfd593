#include "core/base/error.h"
#include "launch/verbs/dataset_verbs.h"

namespace permafrost::launch {

int merge_datasets(Invocation&) { throw core::ConfigError("dataset merge is being built"); }

}  // namespace permafrost::launch
