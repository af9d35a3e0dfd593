// Decoded planes as red, green and blue planes, turned the way they are shown. Internal to data/video.
//
//   const Placement placement = place(orientation, height, width);
//   split_channels(packed, placement, red_plane);
//   if (has_exact_conversion(format)) convert_exactly(frame, matrix, is_full_range, placement, red_plane);
//
// Plain loops on the calling thread: LibTorch's own copies would start a team of threads for every decoding thread.
#pragma once

#include <cstdint>

#include "data/video/av.h"

namespace permafrost::data {

// Mirror, then turn by quarters.
struct Orientation {
  int quarter_turns = 0;  // clockwise
  bool is_mirrored_horizontally = false;
  bool is_mirrored_vertically = false;

  bool swaps_sides() const { return quarter_turns % 2 != 0; }
};

// Where the pixel in row y and column x of the coded picture goes in each plane of the displayed one:
// first + y * row_step + x * column_step.
struct Placement {
  int64_t first = 0;
  int64_t row_step = 0;
  int64_t column_step = 0;
  int64_t height = 0;  // coded
  int64_t width = 0;

  int64_t plane() const { return height * width; }
};

Placement place(const Orientation& orientation, int64_t height, int64_t width);

// `packed`: an RGB24 frame. `planes`: placement.plane() bytes of red, then green, then blue.
void split_channels(const AVFrame& packed, const Placement& placement, uint8_t* planes);

// Whether convert_exactly knows the format: planes of 8 to 16 bits, grey, YUV or RGB, chroma halved or not.
bool has_exact_conversion(AVPixelFormat format);

// In float, rounded once; each chroma sample stands for all pixels it covers. `matrix`: BT.601 where it is none of
// BT.709, BT.2020, FCC and SMPTE 240M (ITU-R BT.601-7 2.5, BT.709-6 3, BT.2020-2 table 4).
void convert_exactly(const AVFrame& frame, AVColorSpace matrix, bool is_full_range, const Placement& placement,
                     uint8_t* planes);

}  // namespace permafrost::data
