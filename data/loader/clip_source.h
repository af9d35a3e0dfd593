// Where clips come from: a cache, the videos themselves, or both.
//
//   std::vector<uint8_t> pixels(source.pixel_bytes()), coded(source.codec().bytes_per_record());
//   ClipInfo info = source.read_into(sample, epoch, pixels.data(), coded.data());   // as it is stored
//   Clip clip = source.read(sample, epoch);                                         // decoded
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

#include "data/cache/codec.h"

namespace permafrost::data {

struct ClipInfo {
  int64_t target = 0;
  std::string video_id;
  int64_t view = 0;
};

struct Clip {
  torch::Tensor pixels;    // uint8 [F, 3, S, S]
  torch::Tensor features;  // float32 [N, t, L, C]
  int64_t target = 0;
  std::string video_id;
  int64_t view = 0;
};

class ClipSource {
 public:
  virtual ~ClipSource() = default;
  virtual int64_t size() const = 0;
  // Of the features it hands out.
  virtual const Codec& codec() const = 0;
  // [F, 3, S, S]
  virtual std::vector<int64_t> pixel_shape() const = 0;
  // sample in 0..size()-1. Fills uint8 [F, 3, S, S] and codec().bytes_per_record() bytes. A function of its arguments;
  // called from several threads at once. Throws DataError, IoError.
  virtual ClipInfo read_into(int64_t sample, int64_t epoch, uint8_t* pixels, uint8_t* coded) const = 0;
  // From which of its cache's shards read_into() takes the clip: a place in CacheIndex::shards; -1: from none.
  virtual int64_t shard_of(int64_t /*sample*/, int64_t /*epoch*/) const { return -1; }

  int64_t pixel_bytes() const;
  // A copy of its own, decoded. Throws as read_into().
  Clip read(int64_t sample, int64_t epoch) const;
};

}  // namespace permafrost::data
