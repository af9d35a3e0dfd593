// One clip view of one video, as the cache keeps it.
//
//   ClipRecord record{.video_id = "abc", .label = "waving hand", .split = "train"};
//   record.pixels = frames;      // uint8 [F, 3, S, S]
//   record.features = features;  // float32 [N, t, L, C]
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <vector>

namespace permafrost::data {

// left, top and side of the square crop, in pixels of the resized frame.
struct Crop {
  float x = 0;
  float y = 0;
  float size = 0;
};

struct ClipRecord {
  std::string video_id;                      // at most 256 bytes of UTF-8, as are all texts: no NUL, not empty
  std::string label;                         // at most 128 bytes
  std::string split;                         // train, val or test
  int64_t view = 0;                          // 0 .. views-1
  torch::Tensor pixels{};                    // uint8 [F, 3, S, S]
  torch::Tensor features{};                  // float32 [N, t, L, C], the selected layers of every alpha-th frame
  std::vector<int64_t> frame_indices{};      // [F]
  std::vector<double> timestamps_seconds{};  // [F]
  Crop crop{};
  bool flipped = false;
};

// A video of the manifest that gave no record, and why.
struct RejectedVideo {
  std::string video_id;
  std::string path;
  std::string reason;

  bool operator==(const RejectedVideo&) const = default;
};

}  // namespace permafrost::data
