// A recode under way: a file in its folder says from what it is made, so that a recode that was killed goes on with the
// shards that are there, and nobody takes another's shards for its own.
//
//   if (!begin_recode(out, identity)) return;   // else the shards, then the index
//   end_recode(out);
#pragma once

#include <string>

namespace permafrost::launch {

// `identity`: of the source and of what is made of it. False where that recode had ended but for the mark. Throws
// DataError where the folder holds another cache, or shards that come from something else.
bool begin_recode(const std::string& directory, const std::string& identity);
void end_recode(const std::string& directory);
// Throws DataError where one was begun and not ended: its shards must not end up in a build.
void require_no_recode(const std::string& directory);

}  // namespace permafrost::launch
