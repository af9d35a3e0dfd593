// Every container and codec: the frames of a sequential decode by ffmpeg, or by the textbook, in any order.
#include "tests/data/video/video_kinds.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "data/video/decoder.h"
#include "tests/data/video/video_files.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using namespace permafrost::testing;

struct Kind {
  const char* name;
  const char* file;
  const char* arguments;
  const char* source = "testsrc2=size=96x64:rate=25:duration=2";
};

void PrintTo(const Kind& kind, std::ostream* out) { *out << kind.name; }

class EveryKind : public ::testing::TestWithParam<Kind> {};

TEST_P(EveryKind, GivesTheFramesOfASequentialDecode) {
  const TemporaryDirectory directory;
  const std::string path = directory / GetParam().file;
  make_video(path, GetParam().arguments, GetParam().source);
  VideoReader reader(path);
  const torch::Tensor expected = frames_by_ffmpeg(path, reader.info().height, reader.info().width);
  ASSERT_EQ(reader.info().frames, expected.size(0));
  EXPECT_LE(largest_difference(reader.read(all_of(reader.info().frames)).pixels, expected), kTolerance);
}

TEST_P(EveryKind, GivesTheSameFramesInAnyOrder) {
  const TemporaryDirectory directory;
  const std::string path = directory / GetParam().file;
  make_video(path, GetParam().arguments, GetParam().source);
  VideoReader reader(path);
  const int64_t last = reader.info().frames - 1;
  const torch::Tensor expected = reader.read(all_of(last + 1)).pixels;
  for (const std::vector<int64_t>& indices :
       std::vector<std::vector<int64_t>>{{last},
                                         {0},
                                         {last / 2},
                                         {last / 3, last},
                                         {std::min<int64_t>(1, last), last / 2, std::min(last / 2 + 1, last), last}}) {
    const DecodedFrames found = reader.read(indices);
    EXPECT_TRUE(torch::equal(found.pixels, expected.index_select(0, torch::tensor(indices))));
    EXPECT_EQ(found.indices, indices);
  }
}

INSTANTIATE_TEST_SUITE_P(
    Videos, EveryKind,
    ::testing::Values(
        Kind{"H264WithBFrames", "a.mp4", kBFrames},
        Kind{"OpenGroups", "a.mkv",
             "-c:v libx264 -preset veryfast -bf 3 -g 10 -x264-params open-gop=1 -pix_fmt yuv420p"},
        Kind{"IntraRefresh", "a.mkv",
             "-c:v libx264 -preset veryfast -g 10 -x264-params intra-refresh=1 -pix_fmt yuv420p"},
        Kind{"Fragmented", "a.mp4",
             "-c:v libx264 -preset veryfast -g 12 -pix_fmt yuv420p -movflags frag_keyframe+empty_moov"},
        Kind{"OddSides", "a.mkv", "-c:v libx264 -preset veryfast -pix_fmt yuv444p",
             "testsrc=size=97x61:rate=25:duration=1"},
        Kind{"FullRangeBt709", "a.mp4",
             "-vf scale=out_range=full:out_color_matrix=bt709,format=yuv420p -c:v libx264 -preset veryfast "
             "-color_range pc -colorspace bt709"},
        Kind{"LimitedBt709", "a.mp4",
             "-vf scale=out_color_matrix=bt709,format=yuv420p -c:v libx264 -preset veryfast -colorspace bt709"},
        Kind{"VariableRate", "a.mp4",
             "-vf select='not(mod(n\\,7))+not(mod(n\\,4))' -vsync vfr -c:v libx264 -preset veryfast -g 5 -pix_fmt "
             "yuv420p"},
        Kind{"Hevc", "a.mp4", kHevc}, Kind{"HevcOpenGroups", "a.mkv", kHevc},
        Kind{"HevcTransportStream", "a.ts", kHevc}, Kind{"Av1", "a.mp4", kAv1}, Kind{"Av1InMatroska", "a.mkv", kAv1},
        Kind{
            "Interlaced", "a.mp4",
            "-vf interlace -c:v libx264 -preset veryfast -flags +ildct+ilme -x264-params tff=1 -g 12 -pix_fmt yuv420p"},
        Kind{"InterlacedTransportStream", "a.ts", "-vf interlace -c:v mpeg2video -flags +ildct+ilme -bf 2 -q:v 4"},
        Kind{"Baseline", "a.mkv", "-c:v libx264 -profile:v baseline -refs 4 -g 30 -pix_fmt yuv420p"},
        Kind{"ManyReferences", "a.mp4", "-c:v libx264 -preset slow -bf 8 -refs 6 -b-pyramid normal -pix_fmt yuv420p"},
        Kind{"H264InAvi", "a.avi", kBFrames}, Kind{"Mpeg4", "a.mp4", "-c:v mpeg4 -bf 2 -g 12 -q:v 4"},
        Kind{"Mpeg4InMatroska", "a.mkv", "-c:v mpeg4 -bf 2 -g 12 -q:v 4"},
        Kind{"XvidPackedInAvi", "a.avi", "-c:v libxvid -bf 2 -q:v 4"},
        Kind{"WindowsMedia", "a.wmv", "-c:v wmv2 -q:v 4"}, Kind{"MotionJpeg", "a.avi", "-c:v mjpeg -q:v 4"},
        Kind{"QuickTime", "a.mov", kBFrames}, Kind{"Lossless", "a.mkv", "-c:v ffv1 -pix_fmt yuv420p"},
        Kind{"Vp9", "a.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -g 12"},
        Kind{"OddVp9", "a.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p",
             "testsrc=size=97x61:rate=25:duration=1"},
        Kind{"Vp8WithHiddenFrames", "a.webm", "-c:v libvpx -auto-alt-ref 1 -lag-in-frames 16 -cpu-used 4 -b:v 300k"},
        Kind{"Mpeg4InAvi", "a.avi", "-c:v mpeg4 -bf 2 -q:v 4"}, Kind{"TransportStream", "a.ts", kBFrames},
        Kind{"ProgramStream", "a.mpg", "-c:v mpeg2video -bf 2 -q:v 4"}, Kind{"Flash", "a.flv", kBFrames},
        Kind{"Theora", "a.ogv", "-c:v libtheora -q:v 6"},
        Kind{"OneFrame", "a.mp4", "-frames:v 1 -c:v libx264 -pix_fmt yuv420p"}),
    [](const auto& info) { return info.param.name; });

struct Depth {
  const char* name;
  const char* file;
  const char* arguments;
  StoredPlanes planes;
  const char* source = "testsrc2=size=96x64:rate=25:duration=1";
};

void PrintTo(const Depth& depth, std::ostream* out) { *out << depth.name; }

class EveryDepth : public ::testing::TestWithParam<Depth> {};

TEST_P(EveryDepth, IsConvertedAsTheTextbookSays) {
  const TemporaryDirectory directory;
  const std::string path = directory / GetParam().file;
  make_video(path, GetParam().arguments, GetParam().source);
  VideoReader reader(path);
  const torch::Tensor expected = frames_by_textbook(path, reader.info().height, reader.info().width, GetParam().planes);
  ASSERT_EQ(reader.info().frames, expected.size(0));
  EXPECT_LE(largest_difference(reader.read(all_of(reader.info().frames)).pixels, expected), 1);
}

INSTANTIATE_TEST_SUITE_P(
    Videos, EveryDepth,
    ::testing::Values(
        Depth{"TenBits", "a.mp4", "-c:v libx264 -preset veryfast -bf 3 -pix_fmt yuv420p10le", {}},
        Depth{"TenBitsOddSides",
              "a.mkv",
              "-c:v libx264 -preset veryfast -pix_fmt yuv444p10le",
              {.pixel_format = "yuv444p10le", .chroma_rows = 1, .chroma_columns = 1},
              "testsrc=size=97x61:rate=25:duration=1"},
        Depth{"TenBitHevcBt2020",
              "a.mp4",
              "-vf scale=out_color_matrix=bt2020,format=yuv420p10le -c:v libx265 -preset ultrafast -x265-params "
              "log-level=none -colorspace bt2020nc",
              {.red = 0.2627, .blue = 0.0593}},
        Depth{"FullRangeTenBits",
              "a.mp4",
              "-vf scale=out_range=full:out_color_matrix=bt709,format=yuv420p10le -c:v libx264 -color_range pc "
              "-colorspace bt709",
              {.red = 0.2126, .blue = 0.0722, .is_full_range = true}},
        Depth{"TwelveBitHevc",
              "a.mkv",
              "-c:v libx265 -preset ultrafast -x265-params log-level=none -pix_fmt yuv422p12le",
              {.pixel_format = "yuv422p12le", .depth = 12, .chroma_rows = 1}},
        Depth{"HalvedColumns",
              "a.mp4",
              "-c:v libx264 -preset veryfast -pix_fmt yuv422p",
              {.pixel_format = "yuv422p", .depth = 8, .chroma_rows = 1}},
        Depth{"TenBitVp9", "a.webm", "-c:v libvpx-vp9 -deadline realtime -cpu-used 8 -pix_fmt yuv420p10le", {}},
        Depth{"TenBitAv1", "a.mp4", "-c:v libsvtav1 -preset 12 -pix_fmt yuv420p10le", {}},
        Depth{"Prores",
              "a.mov",
              "-c:v prores_ks -pix_fmt yuv422p10le",
              {.pixel_format = "yuv422p10le", .chroma_rows = 1}}),
    [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace permafrost::data
