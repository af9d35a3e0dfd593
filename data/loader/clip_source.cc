#include "data/loader/clip_source.h"

#include <torch/types.h>

namespace permafrost::data {

int64_t ClipSource::pixel_bytes() const {
  int64_t bytes = 1;
  for (const int64_t size : pixel_shape()) bytes *= size;
  return bytes;
}

Clip ClipSource::read(int64_t sample, int64_t epoch) const {
  Clip clip;
  clip.pixels = torch::empty(pixel_shape(), torch::kUInt8);
  std::vector<uint8_t> coded(codec().bytes_per_record());
  ClipInfo info = read_into(sample, epoch, clip.pixels.mutable_data_ptr<uint8_t>(), coded.data());
  clip.features = codec().decode(coded);
  clip.target = info.target;
  clip.video_id = std::move(info.video_id);
  clip.view = info.view;
  return clip;
}

}  // namespace permafrost::data
