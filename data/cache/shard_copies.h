// Copies of a cache's shards that are quicker to read than the shards themselves.
//
//   cache.use_copies(&stage);        // from now on CacheReader asks for a copy before each read
//
// Reading never waits for a copy and never fails because of one.
#pragma once

#include <cstdint>

#include "core/base/file.h"

namespace permafrost::data {

class ShardCopies {
 public:
  virtual ~ShardCopies() = default;
  // A whole copy of the shard at `place` in the index, opened; not valid where there is none. Never throws; called
  // from several threads at once, once for each read. The descriptor stays good when the copy is removed meanwhile.
  virtual core::FileDescriptor open(int64_t place) const = 0;
  // What open() gave could not be read, or its bytes were wrong: it is not handed out again.
  virtual void reject(int64_t place) const = 0;
};

}  // namespace permafrost::data
