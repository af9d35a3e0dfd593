// Writes frames as an H.264 .mp4 file (libx264, yuv420p, x264's default B-frames), whole or not at all.
//
//   write_video("videos/demo-t00000_000000_000002.mp4", frames, {.frames_per_second = 16});   // frames uint8 [F, 3, H,
//   W]
//
// The same frames give the same bytes: one encoding thread, no date and no encoder name in the container.
#pragma once

#include <torch/types.h>

#include <string>

namespace permafrost::launch {

struct VideoOptions {
  int frames_per_second = 16;
  int quality = 20;                 // x264's constant rate factor: 0 lossless, 51 worst
  std::string preset = "veryfast";  // x264's speed against size
};

// frames: uint8 [F, 3, H, W], RGB, H and W even, F >= 1. The file is published under its name when complete.
// Throws IoError with the path and the library's own text.
void write_video(const std::string& path, const torch::Tensor& frames, const VideoOptions& options);

}  // namespace permafrost::launch
