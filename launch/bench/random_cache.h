// A cache of random clips in a temporary folder, removed at the end: what a loader reads in a measurement.
//
//   const RandomCache cache(key, /*clips=*/4, /*bits=*/4);
//   const data::CacheReader reader(cache.directory());
#pragma once

#include <cstdint>
#include <string>

#include "data/cache/cache_key.h"
#include "launch/bench/temporary_folder.h"

namespace permafrost::launch {

class RandomCache {
 public:
  // Of the training split, one view a video; of the key's codec the name counts, and `bits` where it is lowrank. Throws
  // IoError where the folder cannot be written.
  RandomCache(const data::CacheKey& key, int64_t clips, double bits);

  const std::string& directory() const { return folder_.path(); }

 private:
  void write(data::CacheKey key, int64_t clips, double bits) const;

  TemporaryFolder folder_;
};

}  // namespace permafrost::launch
