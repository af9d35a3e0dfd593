// What the index says of a shard.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/cache/clip_record.h"

namespace permafrost::data {

// A video of a shard: records of its views, one after the other.
struct ShardVideo {
  std::string id;
  std::string label;  // as it is listed: not mirrored
  std::string split;
  int64_t views = 0;
  uint32_t entry_crc32c = 0;

  bool operator==(const ShardVideo&) const = default;
};

struct ShardSummary {
  std::string file;  // its name within the cache's folder
  int64_t unit = 0;
  uint64_t bytes = 0;
  uint32_t crc32c = 0;  // of the whole file
  std::vector<ShardVideo> videos{};
  std::vector<RejectedVideo> rejected{};  // videos of its unit that gave no record

  int64_t records() const {
    int64_t count = 0;
    for (const ShardVideo& video : videos) count += video.views;
    return count;
  }
  bool operator==(const ShardSummary&) const = default;
};

}  // namespace permafrost::data
