// How --isolate, --time-limit and --memory-limit bound the decoding of files.
#pragma once

#include <optional>

#include "data/video/decode_child.h"
#include "launch/settings.h"

namespace permafrost::launch {

// Nothing without --isolate.
std::optional<data::ChildLimits> isolation_of(const Settings& settings);

}  // namespace permafrost::launch
