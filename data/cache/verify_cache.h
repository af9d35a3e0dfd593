// Is a cache what it was when it was built? And what has to go before a build can make it so again.
//
//   for (const CacheProblem& problem : verify_cache(dir, {.deep = true})) log_error() << problem.text;
//   remove_broken(dir, index, problems);      // then build: only what is gone is built again
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/cache/cache_index.h"

namespace permafrost::data {

enum class CacheProblemKind { kMissing, kTruncated, kDamaged, kForeign, kLeftover };

struct CacheProblem {
  CacheProblemKind kind;
  std::string file;  // within the folder
  std::string text;  // one line: what was expected, what was found, what to do
};

struct VerifyOptions {
  bool deep = false;    // also open every shard, check and decode every record: are its features finite numbers?
  int64_t threads = 1;  // files checked at once
};

// Reads every byte of every file the index names. An empty list means: as it was when it was built. Throws as
// read_index().
std::vector<CacheProblem> verify_cache(const std::string& directory, const VerifyOptions& options = {});
// The same against an index that is not published: the copy, after a change that was killed.
std::vector<CacheProblem> verify_cache(const std::string& directory, const CacheIndex& index,
                                       const VerifyOptions& options);

// Deletes the shards that are truncated, damaged, foreign or left over, and the index, so that the next build makes
// what is missing and nothing else; puts codec.safetensors or its copy back from the other. Only whoever holds the
// directory's lock may. Throws IoError, and DataError, nothing deleted, where both of these are damaged.
void remove_broken(const std::string& directory, const CacheIndex& index, const std::vector<CacheProblem>& problems);

}  // namespace permafrost::data
