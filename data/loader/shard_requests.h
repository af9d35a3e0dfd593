// Which shards are read when: the order of the batches, seen from the cache.
//
//   ShardRequests requests = shard_requests(clips, order, cursor, batches, {.parts = {0, 1}, .ranks = 4});
//   while (auto shards = requests()) for (int64_t shard : *shards) ...   // places in CacheIndex::shards
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <vector>

#include "data/loader/clip_source.h"
#include "data/loader/epoch_order.h"

namespace permafrost::data {

// The shard of each read of the next batch; nothing after the last batch.
using ShardRequests = std::function<std::optional<std::vector<int64_t>>()>;

// The parts of a global batch, cut for `ranks`, whose reads count.
struct ReadingRanks {
  std::vector<int> parts;
  int ranks = 1;
};

// From `start` on, `batches` of them. Clips that come from no shard are left out. `clips` must outlive the function.
ShardRequests shard_requests(const ClipSource& clips, const OrderOptions& order, BatchCursor start, int64_t batches,
                             ReadingRanks readers);

}  // namespace permafrost::data
