#include "data/video/decode_child.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>

#include <chrono>
#include <filesystem>
#include <fstream>
#include <thread>

#include "core/base/error.h"
#include "data/video/decoder.h"
#include "tests/data/video/video_files.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using permafrost::testing::make_video;
using permafrost::testing::read_bytes;
using permafrost::testing::TemporaryDirectory;
using permafrost::testing::write_bytes;
using ::testing::HasSubstr;

constexpr const char* kH264 = "-c:v libx264 -preset veryfast -bf 2 -pix_fmt yuv420p";

ChildLimits limits(double seconds = 60, int64_t mebibytes = 512) {
  return {.seconds = seconds, .memory_bytes = mebibytes << 20, .program = PERMAFROST_BINARY};
}

std::vector<pid_t> children() {
  std::vector<pid_t> pids;
  std::ifstream list("/proc/self/task/" + std::to_string(::getpid()) + "/children");
  for (pid_t pid = 0; list >> pid;) pids.push_back(pid);
  return pids;
}

size_t open_files() {
  size_t count = 0;
  for ([[maybe_unused]] const auto& file : std::filesystem::directory_iterator("/proc/self/fd")) ++count;
  return count;
}

std::string kind_of(const std::function<void()>& action) {
  try {
    action();
    return "accepted";
  } catch (const VideoError& error) {
    EXPECT_EQ(std::string(error.what()).find('\n'), std::string::npos);
    return error.kind();
  }
}

TEST(DecodeChild, GivesTheSameFactsAndFramesAsThisProcess) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", kH264);
  make_video(directory / "b.avi", "-c:v mpeg4 -bf 2");
  DecodeChild child(limits());
  for (const char* name : {"a.mp4", "b.avi"}) {
    VideoReader here(directory / name), there(directory / name, {.child = &child});
    EXPECT_EQ(there.info().frames, here.info().frames);
    EXPECT_EQ(there.info().duration_seconds, here.info().duration_seconds);
    EXPECT_EQ(there.info().width, here.info().width);
    EXPECT_EQ(there.info().codec, here.info().codec);
    const DecodedFrames expected = here.read({0, 7, 7, 30}), found = there.read({0, 7, 7, 30});
    EXPECT_TRUE(torch::equal(found.pixels, expected.pixels));
    EXPECT_EQ(found.timestamps_seconds, expected.timestamps_seconds);
    EXPECT_EQ(there.first_frame_at(0.5), here.first_frame_at(0.5));
    EXPECT_EQ(there.counters().frames, here.counters().frames);
    there.decode_to_end();
  }
  EXPECT_EQ(child.running(), 1);
}

TEST(DecodeChild, SaysWhatIsWrongWithAFileInTheSameWords) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", kH264);
  const std::string whole = read_bytes(directory / "a.mp4");
  write_bytes(directory / "cut.mp4", whole.substr(0, whole.size() / 2));
  write_bytes(directory / "junk.mp4", "junk");
  DecodeChild child(limits());
  for (const char* name : {"cut.mp4", "junk.mp4"}) {
    std::string here, there;
    try {
      VideoReader reader(directory / name);
    } catch (const VideoError& error) {
      here = error.what();
    }
    try {
      VideoReader reader(directory / name, {.child = &child});
    } catch (const VideoError& error) {
      there = error.what();
    }
    EXPECT_EQ(there, here);
    EXPECT_NE(here, "");
  }
  EXPECT_THROW(VideoReader(directory / "none.mp4", {.child = &child}), core::IoError);
  EXPECT_EQ(child.running(), 1);
}

TEST(DecodeChild, ThatIsKilledCostsItsFileAndNoOther) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", kH264);
  const size_t files = open_files();
  {
    DecodeChild child(limits());
    for (int round = 0; round < 5; ++round) {
      VideoReader reader(directory / "a.mp4", {.child = &child});
      ASSERT_EQ(children().size(), 1u);
      ::kill(children().front(), SIGKILL);
      EXPECT_EQ(kind_of([&] { reader.read({3}); }), "crashes the decoder");
      EXPECT_EQ(kind_of([&] { reader.read({3}); }), "crashes the decoder") << "the file is open no more";
      EXPECT_TRUE(children().empty());
    }
    EXPECT_EQ(probe_video(directory / "a.mp4", {.child = &child}).frames, 50);
  }
  EXPECT_TRUE(children().empty());
  EXPECT_EQ(open_files(), files);
}

TEST(DecodeChild, ThatHangsIsEnded) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", kH264);
  DecodeChild child(limits(/*seconds=*/1));
  VideoReader reader(directory / "a.mp4", {.child = &child});
  ::kill(children().front(), SIGSTOP);
  const auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(kind_of([&] { reader.read({3}); }), "takes too long");
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(10));
  EXPECT_TRUE(children().empty());
}

// A picture of 12,000 x 12,000 takes half a gigabyte to decode and some megabytes to store.
TEST(DecodeChild, ThatWantsTooMuchMemoryGetsNone) {
  const TemporaryDirectory directory;
  make_video(directory / "bomb.mkv", "-frames:v 1 -c:v mjpeg -pix_fmt yuvj420p", "color=black:size=12000x12000");
  EXPECT_LT(std::filesystem::file_size(directory / "bomb.mkv"), 4u << 20);
  make_video(directory / "a.mp4", kH264, "testsrc2=size=1280x720:rate=25:duration=2");
  DecodeLimits wide{.max_pixels_per_frame = 200'000'000};
  DecodeChild narrow(limits(60, 64));
  wide.child = &narrow;
  EXPECT_NE(kind_of([&] { probe_video(directory / "bomb.mkv", wide, true); }), "accepted");
  const std::vector<int64_t> many(48, 0);
  EXPECT_EQ(kind_of([&] { VideoReader(directory / "a.mp4", wide).read(many); }), "takes too much memory");
  EXPECT_EQ(VideoReader(directory / "a.mp4", wide).info().frames, 50) << "the next child takes over";
  DecodeChild roomy(limits(60, 2048));
  wide.child = &roomy;
  EXPECT_EQ(kind_of([&] { probe_video(directory / "bomb.mkv", wide, true); }), "accepted");
  EXPECT_EQ(kind_of([&] { VideoReader(directory / "a.mp4", wide).read(many); }), "accepted");
}

TEST(DecodeChild, LeavesNoProcessWhenItsOwnerDies) {
  DecodeChild missing({.program = "/nowhere/permafrost"});
  EXPECT_THROW(missing.ask("a.mp4", "{}"), core::IoError);
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", kH264);
  pid_t pid = 0;
  {
    DecodeChild child(limits());
    VideoReader reader(directory / "a.mp4", {.child = &child});
    pid = children().front();
  }
  EXPECT_NE(::kill(pid, 0), 0);
}

}  // namespace
}  // namespace permafrost::data
