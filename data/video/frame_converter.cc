#include "data/video/frame_converter.h"

extern "C" {
#include <libavutil/display.h>
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <array>
#include <cmath>

#include "data/video/decoder.h"

namespace permafrost::data {
namespace {

// The ffmpeg program mirrors after a turn; this returns the same picture as mirror, then turn.
Orientation from_matrix(const int32_t* matrix, int quarter_turns) {
  Orientation orientation{.quarter_turns = quarter_turns};
  switch (quarter_turns) {
    case 0:
      orientation.is_mirrored_vertically = matrix[4] < 0;
      break;
    case 1:
      orientation.is_mirrored_vertically = matrix[3] > 0;
      break;
    case 2:
      // Half a turn is both mirrors; one alone means the other was mirrored back.
      orientation.quarter_turns = 0;
      orientation.is_mirrored_horizontally = matrix[0] < 0;
      orientation.is_mirrored_vertically = matrix[4] < 0;
      break;
    default:
      orientation.is_mirrored_vertically = matrix[3] < 0;
      break;
  }
  return orientation;
}

// Those whose conversion by libswscale is good to 2 of 255 and what everybody compares with.
bool is_converted_by_ffmpeg(AVPixelFormat format) {
  constexpr std::array kFormats = {AV_PIX_FMT_YUV420P, AV_PIX_FMT_YUVJ420P, AV_PIX_FMT_YUV444P, AV_PIX_FMT_YUVJ444P,
                                   AV_PIX_FMT_GRAY8};
  return std::find(kFormats.begin(), kFormats.end(), format) != kFormats.end();
}

// As libswscale takes it: what does not say is limited, but for grey and the formats of old JPEG files.
bool is_full_range(const AVFrame& frame) {
  if (frame.color_range != AVCOL_RANGE_UNSPECIFIED) return frame.color_range == AVCOL_RANGE_JPEG;
  const AVPixFmtDescriptor& format = *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  return format.nb_components < 3 || std::string(format.name).starts_with("yuvj");
}

}  // namespace

Orientation orientation_of(const std::string& path, const AVStream& stream) {
  size_t bytes = 0;
  const uint8_t* data = av_stream_get_side_data(&stream, AV_PKT_DATA_DISPLAYMATRIX, &bytes);
  if (data == nullptr || bytes < 9 * sizeof(int32_t)) return {};
  std::array<int32_t, 9> matrix{};
  std::copy_n(data, sizeof matrix, reinterpret_cast<uint8_t*>(matrix.data()));
  const double counterclockwise = av_display_rotation_get(matrix.data());
  if (std::isnan(counterclockwise)) return {};
  const double quarters = -counterclockwise / 90;
  const double nearest = std::nearbyint(quarters);
  if (std::abs(quarters - nearest) > 1.0 / 90) {
    throw VideoError(path, "undecodable",
                     "is shown turned by " + std::to_string(-counterclockwise) +
                         " degrees, expected a multiple of 90: turn it with ffmpeg");
  }
  return from_matrix(matrix.data(), (static_cast<int>(nearest) % 4 + 4) % 4);
}

FrameConverter::FrameConverter(const std::string& path, const AVStream& stream)
    : path_(path),
      orientation_(orientation_of(path, stream)),
      coded_width_(stream.codecpar->width),
      coded_height_(stream.codecpar->height),
      placement_(place(orientation_, coded_height_, coded_width_)) {}

FrameConverter::FrameConverter(const std::string& path, int64_t height, int64_t width)
    : path_(path), coded_width_(width), coded_height_(height), placement_(place({}, height, width)) {}

void FrameConverter::require_size(const AVFrame& frame) const {
  if (frame.width != coded_width_ || frame.height != coded_height_) {
    throw VideoError(path_, "undecodable",
                     "its frames change from " + std::to_string(coded_width_) + "x" + std::to_string(coded_height_) +
                         " to " + std::to_string(frame.width) + "x" + std::to_string(frame.height) +
                         ", expected one size");
  }
}

void FrameConverter::prepare_scaler(const AVFrame& frame) {
  if (scaler_ && frame.format == format_ && frame.colorspace == matrix_ && frame.color_range == range_) return;
  format_ = frame.format;
  matrix_ = frame.colorspace;
  range_ = frame.color_range;
  scaler_.reset(sws_getContext(frame.width, frame.height, static_cast<AVPixelFormat>(format_), frame.width,
                               frame.height, AV_PIX_FMT_RGB24, SWS_BICUBIC, nullptr, nullptr, nullptr));
  rgb_.reset(av_frame_alloc());
  if (!scaler_ || !rgb_) throw VideoError(path_, "undecodable", "its pixel format cannot be converted to RGB");
  int *inverse = nullptr, *table = nullptr;
  int is_full = 0, is_full_out = 0, brightness = 0, contrast = 0, saturation = 0;
  if (sws_getColorspaceDetails(scaler_.get(), &inverse, &is_full, &table, &is_full_out, &brightness, &contrast,
                               &saturation) >= 0) {
    if (range_ != AVCOL_RANGE_UNSPECIFIED) is_full = range_ == AVCOL_RANGE_JPEG;
    sws_setColorspaceDetails(scaler_.get(), sws_getCoefficients(matrix_), is_full, table, is_full_out, brightness,
                             contrast, saturation);
  }
  rgb_->format = AV_PIX_FMT_RGB24;
  rgb_->width = frame.width;
  rgb_->height = frame.height;
  // Lines padded to 64 bytes: the converter writes whole vectors.
  if (av_frame_get_buffer(rgb_.get(), 64) < 0) throw core::IoError(path_ + ": cannot convert a frame: out of memory");
}

void FrameConverter::convert(const AVFrame& frame, torch::Tensor pixels) {
  require_size(frame);
  auto* planes = pixels.mutable_data_ptr<uint8_t>();
  const auto format = static_cast<AVPixelFormat>(frame.format);
  if (!is_converted_by_ffmpeg(format) && has_exact_conversion(format)) {
    return convert_exactly(frame, frame.colorspace, is_full_range(frame), placement_, planes);
  }
  prepare_scaler(frame);
  const int rows = sws_scale(scaler_.get(), frame.data, frame.linesize, 0, frame.height, rgb_->data, rgb_->linesize);
  if (rows != frame.height) throw VideoError(path_, "undecodable", "a frame cannot be converted to RGB");
  split_channels(*rgb_, placement_, planes);
}

}  // namespace permafrost::data
