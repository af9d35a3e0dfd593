// Decoded frames into RGB tensors, turned the way they are shown. Internal to data/video.
//
//   FrameConverter converter(path, demuxer.stream());
//   converter.convert(*frame, pixels[i]);   // uint8 [3,H,W]
//
// Matrix and range as the frame declares them (BT.601 and limited range where it does not). 8-bit 4:2:0 and 4:4:4 go
// through libswscale, as in the ffmpeg program's own conversion to rgb24; other planar formats in float (planar_rgb.h).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>

#include "data/video/av.h"
#include "data/video/planar_rgb.h"

namespace permafrost::data {

// From the stream's display matrix. Throws VideoError for an angle that is not a quarter turn.
Orientation orientation_of(const std::string& path, const AVStream& stream);

class FrameConverter {
 public:
  FrameConverter(const std::string& path, const AVStream& stream);
  // Of upright pictures.
  FrameConverter(const std::string& path, int64_t height, int64_t width);

  int64_t width() const { return orientation_.swaps_sides() ? coded_height_ : coded_width_; }
  int64_t height() const { return orientation_.swaps_sides() ? coded_width_ : coded_height_; }

  // `pixels`: uint8 [3,height(),width()], contiguous. Throws VideoError where the frame's size is not the stream's.
  void convert(const AVFrame& frame, torch::Tensor pixels);
  void require_size(const AVFrame& frame) const;

 private:
  void prepare_scaler(const AVFrame& frame);

  std::string path_;
  Orientation orientation_;
  int64_t coded_width_ = 0;
  int64_t coded_height_ = 0;
  Placement placement_;
  AvScaler scaler_;
  AvFrame rgb_;
  int format_ = AV_PIX_FMT_NONE;
  AVColorSpace matrix_ = AVCOL_SPC_UNSPECIFIED;
  AVColorRange range_ = AVCOL_RANGE_UNSPECIFIED;
};

}  // namespace permafrost::data
