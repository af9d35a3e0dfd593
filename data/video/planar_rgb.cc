#include "data/video/planar_rgb.h"

extern "C" {
#include <libavutil/pixdesc.h>
}

#include <algorithm>
#include <bit>

namespace permafrost::data {
namespace {

// Compiled for AVX2 too, and chosen at run time: stride 3 needs byte shuffles to be fast.
__attribute__((target_clones("avx2", "default"))) void split_row(const uint8_t* packed, int64_t width, uint8_t* red,
                                                                 uint8_t* green, uint8_t* blue) {
  for (int64_t x = 0; x < width; ++x) {
    red[x] = packed[3 * x];
    green[x] = packed[3 * x + 1];
    blue[x] = packed[3 * x + 2];
  }
}

struct Weights {  // of red and blue in luma
  float red = 0.299f;
  float blue = 0.114f;
};

Weights weights_of(AVColorSpace matrix) {
  switch (matrix) {
    case AVCOL_SPC_BT709:
      return {0.2126f, 0.0722f};
    case AVCOL_SPC_FCC:
      return {0.30f, 0.11f};
    case AVCOL_SPC_SMPTE240M:
      return {0.212f, 0.087f};
    case AVCOL_SPC_BT2020_NCL:
    case AVCOL_SPC_BT2020_CL:
      return {0.2627f, 0.0593f};
    default:
      return {};
  }
}

// Samples of one plane as luma from 0 to 1, or chroma from -.5 to .5.
struct Scale {
  float offset = 0;
  float factor = 1;

  float operator()(float sample) const { return (sample - offset) * factor; }
};

Scale luma_scale(int depth, bool is_full_range) {
  const float unit = static_cast<float>(1 << (depth - 8));
  if (is_full_range) return {0, 1 / static_cast<float>((1 << depth) - 1)};
  return {16 * unit, 1 / (219 * unit)};
}

Scale chroma_scale(int depth, bool is_full_range) {
  const float unit = static_cast<float>(1 << (depth - 8));
  return {128 * unit, is_full_range ? 1 / static_cast<float>((1 << depth) - 1) : 1 / (224 * unit)};
}

uint8_t to_byte(float value) { return static_cast<uint8_t>(std::clamp(value * 255 + 0.5f, 0.0f, 255.0f)); }

// One component of a planar frame; rows and columns of the whole picture.
class Plane {
 public:
  Plane(const AVFrame& frame, const AVPixFmtDescriptor& format, int component)
      : is_wide_(format.comp[component].depth > 8),
        row_shift_(component == 0 || is_rgb(format) ? 0 : format.log2_chroma_h),
        column_shift_(component == 0 || is_rgb(format) ? 0 : format.log2_chroma_w),
        sample_shift_(format.comp[component].shift),
        data_(frame.data[format.comp[component].plane]),
        line_bytes_(frame.linesize[format.comp[component].plane]) {}

  static bool is_rgb(const AVPixFmtDescriptor& format) { return (format.flags & AV_PIX_FMT_FLAG_RGB) != 0; }

  float at(int64_t y, int64_t x) const {
    const uint8_t* row = data_ + (y >> row_shift_) * line_bytes_;
    const int64_t column = x >> column_shift_;
    if (!is_wide_) return static_cast<float>(row[column]);
    return static_cast<float>(reinterpret_cast<const uint16_t*>(row)[column] >> sample_shift_);
  }

 private:
  bool is_wide_;
  int row_shift_;
  int column_shift_;
  int sample_shift_;
  const uint8_t* data_;
  int64_t line_bytes_;
};

// Calls write(place, y, x) for every pixel.
template <class Write>
void for_each_pixel(const Placement& placement, Write write) {
  for (int64_t y = 0; y < placement.height; ++y) {
    for (int64_t x = 0; x < placement.width; ++x) {
      write(placement.first + y * placement.row_step + x * placement.column_step, y, x);
    }
  }
}

void convert_rgb(const AVFrame& frame, const AVPixFmtDescriptor& format, const Placement& placement, uint8_t* planes) {
  for (int component = 0; component < 3; ++component) {
    const Plane samples(frame, format, component);
    const Scale scale = luma_scale(format.comp[component].depth, /*is_full_range=*/true);
    uint8_t* out = planes + component * placement.plane();
    for_each_pixel(placement, [&](int64_t at, int64_t y, int64_t x) { out[at] = to_byte(scale(samples.at(y, x))); });
  }
}

void convert_grey(const AVFrame& frame, const AVPixFmtDescriptor& format, bool is_full_range,
                  const Placement& placement, uint8_t* planes) {
  const Plane luma(frame, format, 0);
  const Scale scale = luma_scale(format.comp[0].depth, is_full_range);
  for_each_pixel(placement, [&](int64_t at, int64_t y, int64_t x) {
    const uint8_t value = to_byte(scale(luma.at(y, x)));
    for (int64_t c = 0; c < 3; ++c) planes[c * placement.plane() + at] = value;
  });
}

}  // namespace

Placement place(const Orientation& orientation, int64_t height, int64_t width) {
  const auto at = [&](int64_t y, int64_t x) {
    if (orientation.is_mirrored_vertically) y = height - 1 - y;
    if (orientation.is_mirrored_horizontally) x = width - 1 - x;
    int64_t rows = height, columns = width;
    for (int turn = 0; turn < orientation.quarter_turns; ++turn) {
      const int64_t row = x;
      x = rows - 1 - y;
      y = row;
      std::swap(rows, columns);
    }
    return y * columns + x;
  };
  const int64_t first = at(0, 0);
  return {first, at(1, 0) - first, at(0, 1) - first, height, width};
}

void split_channels(const AVFrame& packed, const Placement& placement, uint8_t* planes) {
  const int64_t plane = placement.plane();
  for (int64_t y = 0; y < placement.height; ++y) {
    const uint8_t* row = packed.data[0] + y * packed.linesize[0];
    uint8_t* out = planes + placement.first + y * placement.row_step;
    if (placement.column_step == 1) {
      split_row(row, placement.width, out, out + plane, out + 2 * plane);
      continue;
    }
    for (int64_t x = 0; x < placement.width; ++x) {
      for (int64_t c = 0; c < 3; ++c) out[c * plane + x * placement.column_step] = row[3 * x + c];
    }
  }
}

bool has_exact_conversion(AVPixelFormat format) {
  const AVPixFmtDescriptor* d = av_pix_fmt_desc_get(format);
  constexpr uint64_t kStrange = AV_PIX_FMT_FLAG_PAL | AV_PIX_FMT_FLAG_BITSTREAM | AV_PIX_FMT_FLAG_HWACCEL |
                                AV_PIX_FMT_FLAG_FLOAT | AV_PIX_FMT_FLAG_BAYER;
  if (d == nullptr || (d->flags & kStrange) != 0) return false;
  const bool is_big_endian = (d->flags & AV_PIX_FMT_FLAG_BE) != 0;
  for (int i = 0; i < d->nb_components; ++i) {
    const AVComponentDescriptor& component = d->comp[i];
    if (component.depth < 8 || component.depth > 16 || component.offset != 0) return false;
    if (component.step != (component.depth > 8 ? 2 : 1)) return false;
    if (component.depth > 8 && is_big_endian != (std::endian::native == std::endian::big)) return false;
  }
  return d->nb_components > 0;
}

void convert_exactly(const AVFrame& frame, AVColorSpace matrix, bool is_full_range, const Placement& placement,
                     uint8_t* planes) {
  const AVPixFmtDescriptor& format = *av_pix_fmt_desc_get(static_cast<AVPixelFormat>(frame.format));
  if (Plane::is_rgb(format)) return convert_rgb(frame, format, placement, planes);
  if (format.nb_components < 3) return convert_grey(frame, format, is_full_range, placement, planes);
  const Plane luma(frame, format, 0), blueness(frame, format, 1), redness(frame, format, 2);
  const Scale luma_to = luma_scale(format.comp[0].depth, is_full_range);
  const Scale chroma_to = chroma_scale(format.comp[1].depth, is_full_range);
  const Weights weights = weights_of(matrix);
  const float red = weights.red, blue = weights.blue;
  const float green = 1 - red - blue;
  for_each_pixel(placement, [&](int64_t at, int64_t y, int64_t x) {
    const float l = luma_to(luma.at(y, x));
    const float b = 2 * (1 - blue) * chroma_to(blueness.at(y, x));
    const float r = 2 * (1 - red) * chroma_to(redness.at(y, x));
    planes[at] = to_byte(l + r);
    planes[placement.plane() + at] = to_byte(l - (red * r + blue * b) / green);
    planes[2 * placement.plane() + at] = to_byte(l + b);
  });
}

}  // namespace permafrost::data
