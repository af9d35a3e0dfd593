#include "data/video/decoder.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <fstream>
#include <numeric>

#include "tests/data/video/video_files.h"
#include "tests/data/video/video_kinds.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using namespace permafrost::testing;

TEST(VideoReader, SaysWhatTheFileHolds) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", kBFrames);
  const VideoInfo info = probe_video(directory / "a.mp4", {}, /*decode_to_end=*/true);
  EXPECT_EQ(info.width, 96);
  EXPECT_EQ(info.height, 64);
  EXPECT_EQ(info.frames, 50);
  EXPECT_NEAR(info.duration_seconds, 2.0, 1e-3);
  EXPECT_NEAR(info.frames_per_second, 25.0, 1e-2);
  EXPECT_EQ(info.codec, "h264");
  EXPECT_EQ(info.container, "mov");
}

TEST(VideoReader, LeavesOddSidesOdd) {
  const TemporaryDirectory directory;
  make_video(directory / "a.webm", "-frames:v 2 -c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p",
             "testsrc=size=97x61");
  const VideoInfo info = probe_video(directory / "a.webm");
  EXPECT_EQ(info.width, 97);
  EXPECT_EQ(info.height, 61);
}

// An MP4 without a table of key frames calls every frame one; only the decoder knows better.
TEST(VideoReader, BelievesTheDecoderAboutKeyFrames) {
  const TemporaryDirectory directory;
  for (const char* codec : {kHevc, kBFrames}) {
    const std::string path = directory / "a.mp4";
    make_video(path, codec);
    VideoReader sound(path);
    const std::vector<int64_t> every = all_of(sound.info().frames);
    const torch::Tensor expected = sound.read(every).pixels;
    std::string bytes = read_bytes(path);
    const size_t table = bytes.find("stss");
    ASSERT_NE(table, std::string::npos);
    write_bytes(path, bytes.replace(table, 4, "free"));
    for (const int64_t frame : {7, 17, 25, 38, 49}) {
      EXPECT_TRUE(torch::equal(VideoReader(path).read({frame}).pixels, expected.narrow(0, frame, 1))) << frame;
    }
  }
}

TEST(VideoReader, DecodesARepeatedFrameOnce) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", "-c:v libx264 -g 1 -pix_fmt yuv420p");
  VideoReader reader(directory / "a.mp4");
  const DecodedFrames frames = reader.read({7, 7, 3, 7});
  EXPECT_TRUE(torch::equal(frames.pixels[0], frames.pixels[1]));
  EXPECT_TRUE(torch::equal(frames.pixels[0], frames.pixels[3]));
  EXPECT_FALSE(torch::equal(frames.pixels[0], frames.pixels[2]));
  EXPECT_EQ(reader.counters().frames, 2);
}

TEST(VideoReader, SeeksInsteadOfDecodingWhatNobodyAskedFor) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", "-c:v libx264 -preset veryfast -g 10 -pix_fmt yuv420p",
             "testsrc2=size=96x64:rate=25:duration=8");
  VideoReader reader(directory / "a.mp4");
  reader.read({0, 195});
  EXPECT_LE(reader.counters().frames, 1 + 10);
  EXPECT_EQ(reader.counters().seeks, 2);
}

// 300 frames in two groups: the last wanted one lies near the end, so every frame that others need is decoded, and of
// the rest only the wanted.
TEST(VideoReader, DecodesOnlyWhatSamplingNeeds) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", "-c:v libx264 -preset veryfast -bf 3 -g 250 -pix_fmt yuv420p",
             "testsrc2=size=96x64:rate=30:duration=10");
  VideoReader reader(directory / "a.mp4");
  ASSERT_EQ(reader.info().frames, 300);
  std::vector<int64_t> indices;
  for (int64_t i = 0; i < 16; ++i) indices.push_back(9 + 18 * i);
  const torch::Tensor expected = frames_by_ffmpeg(directory / "a.mp4", 64, 96);
  EXPECT_LE(largest_difference(reader.read(indices).pixels, expected.index_select(0, torch::tensor(indices))),
            kTolerance);
  EXPECT_EQ(reader.counters().packets_read - 300, reader.counters().packets_decoded);
  EXPECT_LE(reader.counters().packets_decoded, 285);
  EXPECT_LE(reader.counters().frames, 300 * 2 / 3);
}

TEST(VideoReader, DecodesOneFrameOfALongGroupWithoutItsEnd) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", "-c:v libx264 -preset veryfast -bf 3 -g 250 -pix_fmt yuv420p",
             "testsrc2=size=96x64:rate=30:duration=10");
  VideoReader reader(directory / "a.mp4");
  reader.read({260});
  EXPECT_LE(reader.counters().packets_decoded, 20);
  reader.read({40});
  EXPECT_LE(reader.counters().packets_decoded, 20 + 50);
}

TEST(VideoReader, DecodesOnceWhatItMustDecodeToCount) {
  const TemporaryDirectory directory;
  make_video(directory / "a.avi", "-c:v mpeg4 -bf 2 -g 12");
  VideoReader keeping(directory / "a.avi"), again(directory / "a.avi", {.max_kept_bytes = 20'000});
  const std::vector<int64_t> indices{0, 7, 7, 49};
  EXPECT_TRUE(torch::equal(keeping.read(indices).pixels, again.read(indices).pixels));
  keeping.decode_to_end();
  EXPECT_EQ(keeping.counters().frames, 50);
  EXPECT_EQ(again.counters().frames, 50 + 50);
}

TEST(VideoReader, ReadsAFolderOfImages) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mkv", "-frames:v 12 -c:v mjpeg -q:v 3");
  run_ffmpeg("-i " + quoted(directory / "a.mkv") + " -c copy -start_number 1 " + quoted(directory / "img_%d.jpg"));
  write_bytes(directory / "._img_1.jpg", "not an image");
  write_bytes(directory / "notes.txt", "not an image");
  VideoReader folder(directory.path());
  EXPECT_EQ(folder.info().frames, 12);
  EXPECT_EQ(folder.info().width, 96);
  EXPECT_EQ(folder.info().frames_per_second, 30);
  const DecodedFrames found = folder.read({11, 0, 0, 9});
  EXPECT_TRUE(torch::equal(found.pixels, VideoReader(directory / "a.mkv").read({11, 0, 0, 9}).pixels));
  EXPECT_EQ(folder.counters().frames, 1 + 3);
  EXPECT_DOUBLE_EQ(found.timestamps_seconds[0], 11 / 30.0);
}

TEST(VideoReader, GivesTheTimesOfAVariableRate) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", "-vf select='lt(n\\,10)+gte(n\\,30)' -vsync vfr -c:v libx264 -pix_fmt yuv420p");
  VideoReader reader(directory / "a.mp4");
  ASSERT_EQ(reader.info().frames, 30);
  const DecodedFrames frames = reader.read({9, 10});
  EXPECT_NEAR(frames.timestamps_seconds[0], 9 / 25.0, 1e-3);
  EXPECT_NEAR(frames.timestamps_seconds[1], 30 / 25.0, 1e-3);
  EXPECT_EQ(reader.first_frame_at(0), 0);
  EXPECT_EQ(reader.first_frame_at(0.6), 10);
  EXPECT_EQ(reader.first_frame_at(100), 30);
}

TEST(VideoReader, LeavesOutWhatAnEditListCuts) {
  const TemporaryDirectory directory;
  const std::string cut = directory / "cut.mp4";
  make_video(directory / "a.mp4", kBFrames);
  run_ffmpeg("-ss 0.7 -i " + quoted(directory / "a.mp4") + " -c copy " + quoted(cut));
  VideoReader reader(cut);
  const torch::Tensor expected = frames_by_ffmpeg(cut, 64, 96);
  ASSERT_EQ(reader.info().frames, expected.size(0));
  ASSERT_LT(reader.info().frames, 35);
  EXPECT_LE(largest_difference(reader.read(all_of(expected.size(0))).pixels, expected), kTolerance);
  EXPECT_LE(largest_difference(reader.read({20}).pixels, expected.narrow(0, 20, 1)), kTolerance);
}

// The nine numbers of the track header's matrix, 16.16 but for the last of each row.
std::string with_matrix(std::string file, int a, int b, int c, int d) {
  const size_t header = file.find("tkhd");
  if (header == std::string::npos) throw std::runtime_error("no track header");
  const auto put = [&](size_t place, int value) {
    const uint32_t fixed = static_cast<uint32_t>(value) << 16;
    for (size_t i = 0; i < 4; ++i) file[header + 44 + 4 * place + i] = static_cast<char>(fixed >> (24 - 8 * i));
  };
  put(0, a);
  put(1, b);
  put(3, c);
  put(4, d);
  return file;
}

TEST(VideoReader, TurnsAndMirrorsAsTheFileIsShown) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", "-frames:v 3 -c:v libx264 -pix_fmt yuv420p");
  const std::string plain = read_bytes(directory / "a.mp4");
  torch::Tensor upright;
  int differing = 0;
  for (const auto& [a, b, c, d] : std::vector<std::array<int, 4>>{{1, 0, 0, 1},
                                                                  {0, 1, -1, 0},
                                                                  {-1, 0, 0, -1},
                                                                  {0, -1, 1, 0},
                                                                  {-1, 0, 0, 1},
                                                                  {1, 0, 0, -1},
                                                                  {0, 1, 1, 0},
                                                                  {0, -1, -1, 0}}) {
    const std::string path = directory / "turned.mp4";
    write_bytes(path, with_matrix(plain, a, b, c, d));
    VideoReader reader(path);
    const bool is_turned = a == 0;
    ASSERT_EQ(reader.info().width, is_turned ? 64 : 96);
    ASSERT_EQ(reader.info().height, is_turned ? 96 : 64);
    const torch::Tensor found = reader.read({0, 1, 2}).pixels;
    EXPECT_LE(largest_difference(found, frames_by_ffmpeg(path, is_turned ? 96 : 64, is_turned ? 64 : 96)), kTolerance)
        << a << ' ' << b << ' ' << c << ' ' << d;
    if (!upright.defined()) upright = found;
    differing += largest_difference(found, upright) > 50;
  }
  EXPECT_EQ(differing, 7);
}

TEST(VideoReader, GivesTheSameFramesWithAnyNumberOfThreads) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", kBFrames);
  VideoReader one(directory / "a.mp4");
  VideoReader three(directory / "a.mp4", {.threads = 3});
  const std::vector<int64_t> indices{3, 17, 18, 44, 49};
  EXPECT_TRUE(torch::equal(one.read(indices).pixels, three.read(indices).pixels));
}

TEST(VideoReader, OpensANameThatLooksLikeAProtocol) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", "-frames:v 2 -c:v libx264 -pix_fmt yuv420p");
  std::filesystem::rename(directory / "a.mp4", directory / "http:a b.mp4");
  EXPECT_EQ(probe_video(directory / "http:a b.mp4").frames, 2);
}

TEST(VideoReader, TakesNoMoreMemoryOverThousandsOfClips) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", "-frames:v 12 -c:v libx264 -preset veryfast -bf 2 -pix_fmt yuv420p");
  make_video(directory / "b.avi", "-frames:v 12 -c:v mpeg4 -bf 2");
  const auto resident_pages = [] {
    std::ifstream statistics("/proc/self/statm");
    int64_t size = 0, resident = 0;
    statistics >> size >> resident;
    return resident;
  };
  int64_t after_warming = 0;
  for (int clip = 0; clip < 2'000; ++clip) {
    VideoReader(directory / (clip % 2 == 0 ? "a.mp4" : "b.avi")).read({0, 5, 11});
    if (clip == 300) after_warming = resident_pages();
  }
  EXPECT_LT((resident_pages() - after_warming) * ::sysconf(_SC_PAGESIZE), int64_t{4} << 20);
}

}  // namespace
}  // namespace permafrost::data
