// What VideoReader (decoder.h) reads: a video file or a folder of images. Internal to data/video.
#pragma once

#include <torch/types.h>

#include <memory>
#include <string>
#include <vector>

#include "data/video/decoder.h"

namespace permafrost::data {

class FrameSource {
 public:
  FrameSource(std::string path, const DecodeLimits& limits) : path_(std::move(path)), limits_(limits) {}
  virtual ~FrameSource() = default;

  const std::string& path() const { return path_; }
  const DecodeLimits& limits() const { return limits_; }
  const VideoInfo& info() const { return info_; }
  const DecodeCounters& counters() const { return counters_; }

  virtual double seconds(int64_t frame) const = 0;
  // Frame indices[i] into pixels[i]; the indices were checked.
  virtual void read_into(const std::vector<int64_t>& indices, const torch::Tensor& pixels) = 0;
  virtual void decode_to_end() = 0;

 protected:
  std::string path_;
  DecodeLimits limits_;
  VideoInfo info_;
  mutable DecodeCounters counters_;
};

std::unique_ptr<FrameSource> open_video_file(const std::string& path, const DecodeLimits& limits);
// Throws VideoError where it holds no JPEG or PNG file.
std::unique_ptr<FrameSource> open_image_folder(const std::string& path, const DecodeLimits& limits);

}  // namespace permafrost::data
