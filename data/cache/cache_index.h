// index.json: published last, so that where it is the cache is complete (FORMAT.md, "Index").
//
//   write_index(dir, {.key = key, .labels = names, .shards = summaries, .rejected = rejected});
//   CacheIndex index = read_index(dir);
//   for (const CacheProblem& problem : verify_cache(dir)) log_error() << problem.text;
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "data/cache/cache_key.h"
#include "data/cache/clip_record.h"
#include "data/cache/shard_writer.h"

namespace permafrost::data {

struct CacheIndex {
  CacheKey key;
  std::vector<std::string> labels;  // the position is the target
  std::vector<ShardSummary> shards{};
  std::vector<RejectedVideo> rejected{};
  // Videos that the lists name, by split: those in the shards, and those whose files were of no use (count_listed).
  std::map<std::string, int64_t> listed{};

  int64_t records() const;
  uint64_t bytes() const;
};

// Throws IoError.
void write_index(const std::string& directory, const CacheIndex& index);

// Throws DataError where there is no cache, or no index ("incomplete"), or where it is damaged, of another version or
// not as FORMAT.md has it.
CacheIndex read_index(const std::string& directory);
// Whether there is an index, good or bad.
bool has_index(const std::string& directory);
// From now on the cache is incomplete, until the next write_index(). Throws IoError.
void remove_index(const std::string& directory);

// The shards that are missing or not of the size the index states, a line each. Reads no shard; verify_cache() does.
std::vector<std::string> missing_shards(const std::string& directory, const CacheIndex& index);

enum class CacheProblemKind { kMissing, kTruncated, kDamaged, kForeign, kLeftover };

struct CacheProblem {
  CacheProblemKind kind;
  std::string file;  // within the folder
  std::string text;  // one line: what was expected, what was found, what to do
};

// Reads every byte of every shard. An empty list means: as it was when it was built. Throws as read_index().
std::vector<CacheProblem> verify_cache(const std::string& directory);

}  // namespace permafrost::data
