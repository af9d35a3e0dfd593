// The actions of the cache verb.
#pragma once

#include "launch/program.h"

namespace permafrost::launch {

int build_cache(Invocation& invocation);
int add_to_cache(Invocation& invocation);
int verify_cache_files(Invocation& invocation);
int audit_cache(Invocation& invocation);
int remove_from_cache(Invocation& invocation);
int relabel_cache(Invocation& invocation);
int recode_cache(Invocation& invocation);
int tell_cache(Invocation& invocation);

}  // namespace permafrost::launch
