#include "data/video/bilinear.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace permafrost::data {
namespace {

// Along one side: for each kept place the two places of the source it lies between, and how near the second is.
struct Axis {
  std::vector<int64_t> low, high;
  std::vector<float> weight;  // of high
};

// Pixels are squares: place i covers i to i + 1, and its middle is what is interpolated (PyTorch, align_corners false).
Axis make_axis(int64_t source_first, int64_t source_size, int64_t size, int64_t first, int64_t count) {
  Axis axis;
  const float scale = static_cast<float>(source_size) / static_cast<float>(size);
  for (int64_t i = first; i < first + count; ++i) {
    const float place = std::max(0.0f, scale * (static_cast<float>(i) + 0.5f) - 0.5f);
    const int64_t low = std::min(static_cast<int64_t>(place), source_size - 1);
    axis.low.push_back(source_first + low);
    axis.high.push_back(source_first + std::min(low + 1, source_size - 1));
    axis.weight.push_back(place - static_cast<float>(low));
  }
  return axis;
}

void interpolate_row(const uint8_t* source, const Axis& columns, float* row) {
  for (size_t x = 0; x < columns.low.size(); ++x) {
    const float weight = columns.weight[x];
    row[x] = (1 - weight) * static_cast<float>(source[columns.low[x]]) +
             weight * static_cast<float>(source[columns.high[x]]);
  }
}

__attribute__((target_clones("avx2", "default"))) void blend_rows(const float* low, const float* high, float weight,
                                                                  int64_t count, uint8_t* out) {
  for (int64_t x = 0; x < count; ++x) {
    out[x] = static_cast<uint8_t>(static_cast<int32_t>(std::nearbyint((1 - weight) * low[x] + weight * high[x])));
  }
}

// Rows of one plane, each interpolated along its columns once: the last two are kept.
class Rows {
 public:
  Rows(const uint8_t* plane, int64_t line, const Axis& columns)
      : plane_(plane),
        line_(line),
        columns_(columns),
        buffers_{Buffer(columns.low.size()), Buffer(columns.low.size())} {}

  // Stays as it is until the call after the next for another row.
  const float* at(int64_t row) {
    for (Buffer& buffer : buffers_) {
      if (buffer.row == row) return buffer.values.data();
    }
    Buffer& oldest = buffers_[buffers_[0].row < buffers_[1].row ? 0 : 1];  // rows are asked for in rising order
    interpolate_row(plane_ + row * line_, columns_, oldest.values.data());
    oldest.row = row;
    return oldest.values.data();
  }

 private:
  struct Buffer {
    explicit Buffer(size_t size) : values(size) {}
    int64_t row = -1;
    std::vector<float> values;
  };

  const uint8_t* plane_;
  int64_t line_;
  const Axis& columns_;
  Buffer buffers_[2];
};

}  // namespace

torch::Tensor resize_bilinear(const torch::Tensor& frames, const CropBox& source, int64_t height, int64_t width,
                              const CropBox& kept) {
  const torch::Tensor input = frames.contiguous();  // [F,3,H,W]
  const int64_t line = input.size(3), plane = input.size(2) * line;
  torch::Tensor output = torch::empty({input.size(0), 3, kept.height, kept.width}, torch::kUInt8);
  const Axis rows = make_axis(source.top, source.height, height, kept.top, kept.height);
  const Axis columns = make_axis(source.left, source.width, width, kept.left, kept.width);
  const auto* from = input.const_data_ptr<uint8_t>();
  auto* to = output.mutable_data_ptr<uint8_t>();
  for (int64_t p = 0; p < input.size(0) * 3; ++p) {
    Rows lines(from + p * plane, line, columns);
    for (size_t y = 0; y < rows.low.size(); ++y, to += kept.width) {
      const float* low = lines.at(rows.low[y]);
      blend_rows(low, lines.at(rows.high[y]), rows.weight[y], kept.width, to);
    }
  }
  return output;
}

}  // namespace permafrost::data
