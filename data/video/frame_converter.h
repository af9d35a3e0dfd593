// Decoded frames into RGB tensors, turned the way they are shown. Internal to data/video.
//
//   FrameConverter converter(path, demuxer.stream());
//   converter.convert(*frame, pixels[i]);   // uint8 [3,H,W]
//
// The same conversion as the ffmpeg program's own to rgb24: bicubic, matrix and range as the frame declares them
// (BT.601 and limited range where it does not).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "data/video/av.h"

namespace permafrost::data {

// Mirror, then turn by quarters.
struct Orientation {
  int quarter_turns = 0;  // clockwise
  bool is_mirrored_horizontally = false;
  bool is_mirrored_vertically = false;

  bool swaps_sides() const { return quarter_turns % 2 != 0; }
};

// From the stream's display matrix. Throws VideoError for an angle that is not a quarter turn.
Orientation orientation_of(const std::string& path, const AVStream& stream);

class FrameConverter {
 public:
  FrameConverter(const std::string& path, const AVStream& stream);

  int64_t width() const { return orientation_.swaps_sides() ? coded_height_ : coded_width_; }
  int64_t height() const { return orientation_.swaps_sides() ? coded_width_ : coded_height_; }

  // `pixels`: uint8 [3,height(),width()]. Throws VideoError where the frame's size is not the stream's.
  void convert(const AVFrame& frame, torch::Tensor pixels);
  void require_size(const AVFrame& frame) const;

 private:
  void prepare(const AVFrame& frame);

  std::string path_;
  Orientation orientation_;
  int64_t coded_width_ = 0;
  int64_t coded_height_ = 0;
  AvScaler scaler_;
  AvFrame rgb_;
  int format_ = AV_PIX_FMT_NONE;
  AVColorSpace matrix_ = AVCOL_SPC_UNSPECIFIED;
  AVColorRange range_ = AVCOL_RANGE_UNSPECIFIED;
};

}  // namespace permafrost::data
