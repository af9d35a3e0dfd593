// Options beside a cache that is there: it is what it is, and an option that says otherwise must not pass unnoticed.
//
//   require_no_contradiction(invocation, index.key, cache);
#pragma once

#include <string>

#include "data/cache/cache_key.h"
#include "launch/program.h"

namespace permafrost::launch {

// Throws ConfigError, a line for each option that was given on the command line or in the config and is not as the
// cache in `where` has it. A default was given by nobody. `is_recoded`: codec and bits are those of another cache.
void require_no_contradiction(const Invocation& invocation, const data::CacheKey& key, const std::string& where,
                              bool is_recoded = false);

}  // namespace permafrost::launch
