// One clip view of one video, as the cache keeps it.
//
//   ClipRecord record{.video_id = "abc", .label = "waving hand", .split = "train"};
//   record.pixels = frames;      // uint8 [F, 3, S, S]
//   record.features = features;  // float32 [N, t, L, C]
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "data/video/colour.h"

namespace permafrost::data {

// The part of a decoded frame that was kept, in its pixels; of the mirrored frame where the record is flipped.
struct Crop {
  float left = 0;
  float top = 0;
  float width = 0;
  float height = 0;

  bool operator==(const Crop&) const = default;
};

struct ClipRecord {
  std::string video_id;                      // at most 256 bytes of UTF-8, as are all texts: no NUL, not empty
  std::string label;                         // at most 128 bytes; of the mirror image where that is another class
  std::string split;                         // train, val or test
  int64_t view = 0;                          // 0 .. views-1
  uint32_t entry_crc32c = 0;                 // entry_checksum() of the video's line in the manifest
  torch::Tensor pixels{};                    // uint8 [F, 3, S, S]
  torch::Tensor features{};                  // float32 [N, t, L, C], the selected layers of every alpha-th frame
  std::vector<int64_t> frame_indices{};      // [F]
  std::vector<double> timestamps_seconds{};  // [F]
  Crop crop{};
  bool flipped = false;
  bool grayscale = false;
  ColourJitter jitter{};
};

// A video of the manifest that gave no record, and why.
struct RejectedVideo {
  std::string video_id;
  std::string path;
  std::string reason;
  // entry_checksum() of its line in the manifest, where the file was the one that the line names and still gave
  // nothing: trying it again would end the same.
  std::optional<uint32_t> entry_crc32c{};

  bool operator==(const RejectedVideo&) const = default;
};

}  // namespace permafrost::data
