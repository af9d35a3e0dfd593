// Where clips come from: a cache, or one day the videos themselves.
//
//   Clip clip = source.read(sample, epoch);
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

namespace permafrost::data {

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
  // sample in 0..size()-1. A function of its arguments; called from several threads at once. Throws DataError, IoError.
  virtual Clip read(int64_t sample, int64_t epoch) const = 0;
};

}  // namespace permafrost::data
