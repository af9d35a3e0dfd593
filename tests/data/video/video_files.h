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
  const std::string command = "ffmpeg -nostdin -v error -y " + arguments;
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

inline int64_t largest_difference(const torch::Tensor& found, const torch::Tensor& expected) {
  if (found.sizes() != expected.sizes()) return 256;
  return (found.to(torch::kInt16) - expected.to(torch::kInt16)).abs().max().item<int64_t>();
}

}  // namespace permafrost::testing
