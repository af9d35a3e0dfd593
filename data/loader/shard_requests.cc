#include "data/loader/shard_requests.h"

#include <limits>
#include <utility>

namespace permafrost::data {

ShardRequests shard_requests(const ClipSource& clips, const OrderOptions& order, BatchCursor start, int64_t batches,
                             ReadingRanks readers) {
  BatchRequests whole(order, start, std::numeric_limits<int64_t>::max(), /*rank=*/0, /*ranks=*/1);
  return [&clips, whole = std::move(whole), left = batches,
          readers = std::move(readers)]() mutable -> std::optional<std::vector<int64_t>> {
    if (left-- <= 0) return std::nullopt;
    const BatchRequest batch = *whole.next();
    std::vector<int64_t> shards;
    for (const int part : readers.parts) {
      for (const int64_t sample : rank_slice(batch.samples, part, readers.ranks)) {
        const int64_t shard = clips.shard_of(sample, batch.cursor.epoch);
        if (shard >= 0) shards.push_back(shard);
      }
    }
    return shards;
  };
}

}  // namespace permafrost::data
