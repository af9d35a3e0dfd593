// Videos made on the spot by the ffmpeg program, and that program's own sequential decode of them.
#pragma once

#include <torch/types.h>

#include <cstdlib>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>

namespace permafrost::testing {

inline std::string quoted(const std::string& text) { return "'" + text + "'"; }

inline void run_ffmpeg(const std::string& arguments) {
  const std::string command = "SVT_LOG=0 ffmpeg -nostdin -v error -y " + arguments;
  if (std::system(command.c_str()) != 0) throw std::runtime_error("failed: " + command);
}

// Moving pictures, `arguments` being the encoder's and muxer's.
inline void make_video(const std::string& path, const std::string& arguments,
                       const std::string& source = "testsrc2=size=96x64:rate=25:duration=2") {
  run_ffmpeg("-f lavfi -i " + quoted(source) + " " + arguments + " " + quoted(path));
}

inline std::string read_bytes(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) throw std::runtime_error("cannot read " + path);
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline void write_bytes(const std::string& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

// Every frame in order; the side lengths are those shown.
inline torch::Tensor frames_by_ffmpeg(const std::string& path, int64_t height, int64_t width) {
  const std::string raw = path + ".rgb";
  run_ffmpeg("-i " + quoted(path) + " -map 0:v:0 -f rawvideo -pix_fmt rgb24 -vsync passthrough " + quoted(raw));
  std::string bytes = read_bytes(raw);
  const auto frame_bytes = static_cast<size_t>(height * width * 3);
  if (bytes.empty() || bytes.size() % frame_bytes != 0) throw std::runtime_error(path + ": unexpected size of frames");
  return torch::from_blob(bytes.data(), {static_cast<int64_t>(bytes.size() / frame_bytes), height, width, 3},
                          torch::kUInt8)
      .permute({0, 3, 1, 2})
      .clone(torch::MemoryFormat::Contiguous);  // [F,3,H,W]
}

// How a file stores its pictures: the planes that ffmpeg's rawvideo of `pixel_format` holds, and what they mean.
struct StoredPlanes {
  const char* pixel_format = "yuv420p10le";
  int depth = 10;           // bits; more than 8: two bytes a sample
  int64_t chroma_rows = 2;  // of the picture under one chroma sample
  int64_t chroma_columns = 2;
  double red = 0.299;  // weight in luma
  double blue = 0.114;
  bool is_full_range = false;
};

// [F,rows,columns] of one plane out of frames of `frame_samples`, as double.
inline torch::Tensor plane_of(const torch::Tensor& samples, int64_t first, int64_t rows, int64_t columns) {
  return samples.narrow(1, first, rows * columns).reshape({-1, rows, columns}).to(torch::kFloat64);
}

// Every frame in order, from the planes that ffmpeg decodes without converting them, by the textbook in double.
inline torch::Tensor frames_by_textbook(const std::string& path, int64_t height, int64_t width,
                                        const StoredPlanes& stored) {
  const std::string raw = path + ".yuv";
  run_ffmpeg("-i " + quoted(path) + " -map 0:v:0 -f rawvideo -pix_fmt " + stored.pixel_format + " -vsync passthrough " +
             quoted(raw));
  std::string bytes = read_bytes(raw);
  const int64_t rows = (height + stored.chroma_rows - 1) / stored.chroma_rows;
  const int64_t columns = (width + stored.chroma_columns - 1) / stored.chroma_columns;
  const int64_t frame_samples = height * width + 2 * rows * columns;
  const auto type = stored.depth > 8 ? torch::kInt16 : torch::kUInt8;
  const auto count = static_cast<int64_t>(bytes.size()) / (stored.depth > 8 ? 2 : 1);
  if (count == 0 || count % frame_samples != 0) throw std::runtime_error(path + ": unexpected size of planes");
  const torch::Tensor samples = torch::from_blob(bytes.data(), {count / frame_samples, frame_samples}, type);
  const double unit = 1 << (stored.depth - 8), most = (1 << stored.depth) - 1;
  const auto spread = [&](int64_t plane) {
    return plane_of(samples, height * width + plane * rows * columns, rows, columns)
        .repeat_interleave(stored.chroma_rows, 1)
        .repeat_interleave(stored.chroma_columns, 2)
        .narrow(1, 0, height)
        .narrow(2, 0, width)
        .sub(128 * unit)
        .div(stored.is_full_range ? most : 224 * unit);
  };
  const torch::Tensor luma = stored.is_full_range ? plane_of(samples, 0, height, width) / most
                                                  : (plane_of(samples, 0, height, width) - 16 * unit) / (219 * unit);
  const torch::Tensor blueness = spread(0) * (2 - 2 * stored.blue), redness = spread(1) * (2 - 2 * stored.red);
  const torch::Tensor green = luma - (stored.red * redness + stored.blue * blueness) / (1 - stored.red - stored.blue);
  return torch::stack({luma + redness, green, luma + blueness}, 1).mul(255).round().clamp(0, 255).to(torch::kUInt8);
}

inline int64_t largest_difference(const torch::Tensor& found, const torch::Tensor& expected) {
  if (found.sizes() != expected.sizes()) return 256;
  return (found.to(torch::kInt16) - expected.to(torch::kInt16)).abs().max().item<int64_t>();
}

}  // namespace permafrost::testing
