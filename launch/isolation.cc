#include "launch/isolation.h"

namespace permafrost::launch {

std::optional<data::ChildLimits> isolation_of(const Settings& settings) {
  if (!settings.has.isolate) return std::nullopt;
  return data::ChildLimits{.seconds = settings.dataset.time_limit, .memory_bytes = settings.dataset.memory_limit << 20};
}

}  // namespace permafrost::launch
