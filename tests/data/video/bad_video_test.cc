// What must be refused, and how: one line that names the file, never a frame that is not the video's.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <functional>

#include "data/video/decoder.h"
#include "tests/data/video/video_files.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using permafrost::testing::frames_by_ffmpeg;
using permafrost::testing::largest_difference;
using permafrost::testing::make_video;
using permafrost::testing::quoted;
using permafrost::testing::read_bytes;
using permafrost::testing::run_ffmpeg;
using permafrost::testing::TemporaryDirectory;
using permafrost::testing::write_bytes;

constexpr const char* kH264 = "-c:v libx264 -preset veryfast -g 10 -bf 2 -pix_fmt yuv420p";

// The kind of the error that `action` throws, having checked the shape of its message; "accepted" without one.
std::string kind_of(const std::string& path, const std::function<void()>& action) {
  try {
    action();
  } catch (const VideoError& error) {
    const std::string message = error.what();
    EXPECT_EQ(message.rfind(path + ": ", 0), 0u) << message;
    EXPECT_EQ(message.find('\n'), std::string::npos) << message;
    return error.kind();
  }
  return "accepted";
}

std::string kind_of_probe(const std::string& path, const DecodeLimits& limits = {}, bool decode_to_end = false) {
  return kind_of(path, [&] { probe_video(path, limits, decode_to_end); });
}

TEST(BadVideo, AMissingFileIsTheSystemsError) {
  const TemporaryDirectory directory;
  EXPECT_THROW(probe_video(directory / "none.mp4"), core::IoError);
}

TEST(BadVideo, WhatIsNoVideoIsRefused) {
  const TemporaryDirectory directory;
  write_bytes(directory / "empty.mp4", "");
  EXPECT_EQ(kind_of_probe(directory / "empty.mp4"), "not a video");
  std::string garbage(50'000, '\0');
  for (size_t i = 0; i < garbage.size(); ++i) garbage[i] = static_cast<char>((i * 2654435761u) >> 13);
  write_bytes(directory / "garbage.mp4", garbage);
  EXPECT_EQ(kind_of_probe(directory / "garbage.mp4"), "not a video");
  EXPECT_EQ(kind_of_probe(directory.path()), "not a video");
}

TEST(BadVideo, AudioAloneIsRefused) {
  const TemporaryDirectory directory;
  run_ffmpeg("-f lavfi -i sine=duration=1 -c:a aac " + quoted(directory / "a.mp4"));
  EXPECT_EQ(kind_of_probe(directory / "a.mp4"), "no video stream");
}

TEST(BadVideo, APlaylistNamedMp4IsNotFollowed) {
  const TemporaryDirectory directory;
  make_video(directory / "a.ts", kH264);
  write_bytes(directory / "hls.mp4",
              "#EXTM3U\n#EXT-X-TARGETDURATION:2\n#EXTINF:2.0,\n" + (directory / "a.ts") + "\n#EXT-X-ENDLIST\n");
  write_bytes(directory / "concat.mp4", "ffconcat version 1.0\nfile '" + (directory / "a.ts") + "'\n");
  EXPECT_EQ(kind_of_probe(directory / "hls.mp4"), "not a video");
  EXPECT_EQ(kind_of_probe(directory / "concat.mp4"), "not a video");
  EXPECT_EQ(kind_of_probe(directory / "a.ts"), "accepted");
}

TEST(BadVideo, APictureIsRefused) {
  const TemporaryDirectory directory;
  make_video(directory / "a.png", "-frames:v 1");
  std::filesystem::rename(directory / "a.png", directory / "a.mp4");
  EXPECT_EQ(kind_of_probe(directory / "a.mp4"), "not a video");
}

TEST(BadVideo, AnUnlistedCodecIsRefused) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mkv", "-c:v huffyuv");
  EXPECT_EQ(kind_of_probe(directory / "a.mkv"), "unsupported codec");
}

TEST(BadVideo, ATruncatedFileIsNeverTakenForAShortOne) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", kH264);
  make_video(directory / "fast.mp4", std::string(kH264) + " -movflags +faststart");
  make_video(directory / "a.mkv", kH264);
  make_video(directory / "a.avi", "-c:v mpeg4 -q:v 4");
  for (const char* name : {"a.mp4", "fast.mp4", "a.mkv", "a.avi"}) {
    const std::string whole = read_bytes(directory / name);
    const std::string path = directory / (std::string("cut-") + name);
    for (const double share : {0.1, 0.35, 0.5, 0.75, 0.99}) {
      write_bytes(path, whole.substr(0, static_cast<size_t>(static_cast<double>(whole.size()) * share)));
      EXPECT_EQ(kind_of_probe(path), "truncated") << name << ' ' << share;
    }
    write_bytes(path, whole);
    EXPECT_EQ(kind_of_probe(path), "accepted");
  }
}

TEST(BadVideo, ADamagedStretchIsAnErrorAndTheRestStillReads) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.mp4";
  make_video(path, kH264, "testsrc2=size=160x128:rate=25:duration=4");
  const torch::Tensor expected = frames_by_ffmpeg(path, 128, 160);
  std::string bytes = read_bytes(path);
  const size_t middle = bytes.find("mdat") + bytes.size() / 2;
  for (size_t i = 0; i < 1500; ++i) bytes[middle + i] = static_cast<char>((i * 2654435761u) >> 11);
  write_bytes(path, bytes);
  EXPECT_EQ(kind_of_probe(path, {}, /*decode_to_end=*/true), "undecodable");
  VideoReader reader(path);
  ASSERT_EQ(reader.info().frames, 100);
  int64_t broken = 0;
  for (int64_t frame = 0; frame < 100; frame += 3) {
    torch::Tensor found;
    if (kind_of(path, [&] { found = reader.read({frame}).pixels; }) == "accepted") {
      EXPECT_LE(largest_difference(found, expected.narrow(0, frame, 1)), 2) << frame;
    } else {
      ++broken;
    }
  }
  EXPECT_GT(broken, 0);
  EXPECT_LT(broken, 20);
}

// Without its first key frame a decoder paints what it does not know.
TEST(BadVideo, AVideoThatStartsInTheMiddleIsRefused) {
  const TemporaryDirectory directory;
  const std::string hevc = "-c:v libx265 -preset ultrafast -x265-params log-level=none:keyint=25";
  for (const auto& [name, codec] : std::vector<std::pair<std::string, std::string>>{
           {"a.ts", hevc}, {"b.mp4", "-c:v mpeg4 -g 25"}, {"c.avi", "-c:v mpeg4 -g 25"}}) {
    const std::string whole = directory / ("whole-" + name), cut = directory / name;
    make_video(whole, codec);
    run_ffmpeg("-i " + quoted(whole) + " -c copy -bsf:v \"noise=drop='lt(n\\,3)'\" " + quoted(cut));
    EXPECT_EQ(kind_of_probe(whole, {}, /*decode_to_end=*/true), "accepted") << name;
    EXPECT_NE(kind_of_probe(cut, {}, /*decode_to_end=*/true), "accepted") << name;
  }
}

TEST(BadVideo, APictureThatIsNotTheOneOfItsChecksumIsAnError) {
  const TemporaryDirectory directory;
  const std::string whole = directory / "whole.mkv", noisy = directory / "noisy.mkv";
  make_video(whole, "-c:v libx265 -preset ultrafast -x265-params log-level=none:hash=1");
  run_ffmpeg("-i " + quoted(whole) + " -c copy -bsf:v \"noise=amount='eq(n\\,20)*200'\" " + quoted(noisy));
  EXPECT_EQ(kind_of_probe(whole, {}, /*decode_to_end=*/true), "accepted");
  EXPECT_NE(kind_of_probe(noisy, {}, /*decode_to_end=*/true), "accepted");
}

TEST(BadVideo, ADamagedImageOfAFolderIsAnError) {
  const TemporaryDirectory directory;
  make_video(directory / "%03d.jpg", "-frames:v 3 -c:v mjpeg -q:v 3");
  EXPECT_EQ(kind_of_probe(directory.path(), {}, /*decode_to_end=*/true), "accepted");
  const std::string whole = read_bytes(directory / "002.jpg");
  write_bytes(directory / "002.jpg", whole.substr(0, whole.size() / 2));
  EXPECT_EQ(kind_of_probe(directory.path(), {}, /*decode_to_end=*/true), "undecodable");
  write_bytes(directory / "002.jpg", "garbage");
  EXPECT_EQ(kind_of_probe(directory.path(), {}, /*decode_to_end=*/true), "undecodable");
  write_bytes(directory / "002.jpg", "");
  EXPECT_EQ(kind_of_probe(directory.path(), {}, /*decode_to_end=*/true), "undecodable");
  make_video(directory / "002.jpg", "-frames:v 1 -update 1 -c:v mjpeg", "testsrc2=size=64x64");
  EXPECT_EQ(kind_of_probe(directory.path(), {}, /*decode_to_end=*/true), "undecodable");
}

TEST(BadVideo, AnIndexOutsideTheVideoIsRefused) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", "-frames:v 5 -c:v libx264 -pix_fmt yuv420p");
  VideoReader reader(directory / "a.mp4");
  for (const int64_t index : {int64_t{-1}, int64_t{5}, INT64_MAX, INT64_MIN}) {
    EXPECT_EQ(kind_of(directory / "a.mp4", [&] { reader.read({0, index}); }), "wrong index");
  }
  EXPECT_EQ(reader.read({}).pixels.size(0), 0);
}

TEST(BadVideo, LimitsHold) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.mp4";
  make_video(path, kH264);
  EXPECT_EQ(kind_of_probe(path, {.max_pixels_per_frame = 96 * 64 - 1}), "too large");
  EXPECT_EQ(kind_of_probe(path, {.max_duration_seconds = 1.9}), "too long");
  EXPECT_EQ(kind_of_probe(path, {.max_packets = 49}), "too long");
  EXPECT_EQ(kind_of_probe(path, {.max_pixels_per_frame = 96 * 64, .max_duration_seconds = 2.1, .max_packets = 50}),
            "accepted");
  VideoReader reader(path, {.max_read_bytes = 2 * 3 * 96 * 64});
  EXPECT_EQ(kind_of(path, [&] { reader.read({0, 1, 2}); }), "too large");
  EXPECT_EQ(kind_of(path, [&] { reader.read({0, 1}); }), "accepted");
}

TEST(BadVideo, AFrameThatDeclaresAHugePictureIsRefused) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.mkv";
  make_video(path, "-frames:v 2 -c:v mjpeg");
  std::string bytes = read_bytes(path);
  const size_t start = bytes.find(std::string("\xff\xc0\x00\x11\x08", 5));  // of frame: length, depth, height, width
  ASSERT_NE(start, std::string::npos);
  for (const size_t side : {size_t{5}, size_t{7}}) bytes.replace(start + side, 2, "\x7f\xff");
  write_bytes(path, bytes);
  const std::string kind = kind_of_probe(path, {}, /*decode_to_end=*/true);
  EXPECT_TRUE(kind == "too large" || kind == "undecodable") << kind;
}

// No flipped byte may crash, hang or change the number of frames into more than there are packets.
TEST(BadVideo, FlippedHeaderBytesGiveAnErrorOrAVideo) {
  const TemporaryDirectory directory;
  const std::string path = directory / "a.mp4";
  make_video(path, std::string(kH264) + " -frames:v 8");
  const std::string bytes = read_bytes(path);
  const size_t header = bytes.find("moov");
  int refused = 0;
  for (size_t i = header; i < bytes.size(); i += 5) {
    std::string flipped = bytes;
    flipped[i] = static_cast<char>(flipped[i] ^ 0x81);
    write_bytes(path, flipped);
    try {
      EXPECT_LE(probe_video(path, {}, true).frames, 8);
    } catch (const core::Error& error) {
      EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
      ++refused;
    }
  }
  EXPECT_GT(refused, 10);
}

}  // namespace
}  // namespace permafrost::data
