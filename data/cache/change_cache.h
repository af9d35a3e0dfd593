// A cache that lives: videos taken down, labels changed, features stored by another codec. (New videos are a build.)
//
//   remove_videos(dir, {"abc_000001_000011"});
//   relabel(dir, manifest);
//   ShardSummary summary = recode_shard(ShardReader(path, codec), new_key, new_codec, new_path);
//
// Only whoever holds the directory's lock may change it. A change that is killed leaves the cache incomplete, never
// mixed: started again, it goes on.
#pragma once

#include <cstdint>
#include <memory>
#include <set>
#include <string>

#include "data/cache/cache_index.h"
#include "data/cache/codec.h"
#include "data/cache/shard_reader.h"
#include "data/dataset/manifest.h"

namespace permafrost::data {

struct Removal {
  int64_t videos = 0, records = 0, shards = 0;  // those taken away, and the shards written anew without them
};

// No byte of these videos stays, and no later build brings them back. Throws DataError where the cache has never had
// one of them; nothing is changed then.
Removal remove_videos(const std::string& directory, const std::set<std::string>& ids);

// Videos are of the classes that the manifest says, its label map is the cache's. No shard is written. Returns how many
// videos changed their class. Throws DataError where the manifest lacks a video of the cache.
int64_t relabel(const std::string& directory, const Manifest& manifest);

// The same records, features stored by `codec`, which is that of `key`. A whole shard of this key and unit that is
// there is taken as it is: it must come from the same source. Throws DataError for a feature that it cannot hold,
// IoError.
ShardSummary recode_shard(const ShardReader& from, const CacheKey& key, std::shared_ptr<const Codec> codec,
                          const std::string& path);

}  // namespace permafrost::data
