#include "launch/demo/video_writer.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "data/video/decoder.h"
#include "launch/demo/motion_scene.h"
#include "tests/temporary_directory.h"

namespace permafrost::launch {
namespace {

torch::Tensor some_frames(int64_t count = 20) {
  return render_clip(draw_scene(0, Split::kTrain, 1, 0), {.side = 64, .frames = count});
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string output;
  for (int c = std::fgetc(pipe.get()); c != EOF; c = std::fgetc(pipe.get())) output.push_back(static_cast<char>(c));
  return output;
}

TEST(VideoWriter, WritesH264WithBFramesAsFfprobeSeesIt) {
  const testing::TemporaryDirectory folder;
  const std::string path = folder.path() + "/clip.mp4";
  write_video(path, some_frames(), {.frames_per_second = 16});
  const std::string seen = output_of(
      "ffprobe -v error -select_streams v:0 -count_frames -show_entries "
      "stream=codec_name,pix_fmt,width,height,has_b_frames,r_frame_rate,nb_read_frames:format=format_name,duration "
      "-of default=noprint_wrappers=1 '" +
      path + "'");
  for (const char* line : {"codec_name=h264", "pix_fmt=yuv420p", "width=64", "height=64", "r_frame_rate=16/1",
                           "nb_read_frames=20", "duration=1.25", "format_name=mov,mp4"}) {
    EXPECT_NE(seen.find(line), std::string::npos) << "expected " << line << " in\n" << seen;
  }
  EXPECT_EQ(seen.find("has_b_frames=0"), std::string::npos) << seen;
}

TEST(VideoWriter, DecodesToTheFramesItWasGiven) {
  const testing::TemporaryDirectory folder;
  const torch::Tensor frames = some_frames();
  write_video(folder.path() + "/clip.mp4", frames, {});
  data::VideoReader reader(folder.path() + "/clip.mp4");
  std::vector<int64_t> all(frames.size(0));
  for (size_t i = 0; i < all.size(); ++i) all[i] = static_cast<int64_t>(i);
  const torch::Tensor decoded = reader.read(all).pixels;
  ASSERT_EQ(decoded.sizes(), frames.sizes());
  const torch::Tensor error = (decoded.to(torch::kFloat) - frames.to(torch::kFloat)).abs();
  EXPECT_LT(error.mean().item<float>(), 6.0f);
  // The order is kept: each is nearer to its own original than to the next but one.
  for (int64_t k = 0; k + 2 < frames.size(0); ++k) {
    const auto distance = [&](int64_t other) {
      return (decoded[k].to(torch::kFloat) - frames[other].to(torch::kFloat)).abs().mean().item<float>();
    };
    EXPECT_LT(distance(k), distance(k + 2)) << "frame " << k;
  }
}

TEST(VideoWriter, WritesTheSameBytesForTheSameFrames) {
  const testing::TemporaryDirectory folder;
  write_video(folder.path() + "/a.mp4", some_frames(), {});
  write_video(folder.path() + "/b.mp4", some_frames(), {});
  EXPECT_EQ(core::sha256_of_file(folder.path() + "/a.mp4"), core::sha256_of_file(folder.path() + "/b.mp4"));
}

TEST(VideoWriter, WritesASingleFrame) {
  const testing::TemporaryDirectory folder;
  write_video(folder.path() + "/one.mp4", some_frames(2).slice(0, 0, 1), {});
  EXPECT_EQ(data::probe_video(folder.path() + "/one.mp4", {}, true).frames, 1);
}

TEST(VideoWriter, RefusesOddSizesAndOtherTypes) {
  const testing::TemporaryDirectory folder;
  const std::string path = folder.path() + "/clip.mp4";
  EXPECT_THROW(write_video(path, torch::zeros({4, 3, 63, 64}, torch::kUInt8), {}), core::ConfigError);
  EXPECT_THROW(write_video(path, torch::zeros({4, 3, 64, 64}), {}), core::ConfigError);
  EXPECT_THROW(write_video(path, torch::zeros({4, 1, 64, 64}, torch::kUInt8), {}), core::ConfigError);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

TEST(VideoWriter, NamesTheFileItCannotWriteAndLeavesNoRest) {
  const testing::TemporaryDirectory folder;
  try {
    write_video(folder.path() + "/absent/clip.mp4", some_frames(), {});
    FAIL() << "expected an IoError";
  } catch (const core::IoError& error) {
    EXPECT_NE(std::string(error.what()).find("/absent/clip.mp4"), std::string::npos) << error.what();
  }
  EXPECT_THROW(write_video(folder.path() + "/clip.mp4", some_frames(), {.preset = "warp"}), core::IoError);
  EXPECT_TRUE(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace permafrost::launch
