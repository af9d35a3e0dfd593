#include "data/dataset/list.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

class List : public ::testing::Test {
 protected:
  void add_file(const std::string& path) {
    std::filesystem::create_directories(std::filesystem::path(directory_ / ("videos/" + path)).parent_path());
    std::ofstream(directory_ / ("videos/" + path)) << "x";
  }

  std::vector<ListedVideo> read(const std::string& text, ListOptions options = {}) {
    std::filesystem::create_directories(directory_ / "videos");
    std::ofstream(directory_ / "list.csv") << text;
    options.root = directory_ / "videos";
    return read_list(directory_ / "list.csv", options);
  }

  std::string source(int line) const { return (directory_ / "list.csv:") + std::to_string(line); }

  permafrost::testing::TemporaryDirectory directory_;
};

constexpr const char* kHeader = "label,youtube_id,time_start,time_end,split\n";

TEST_F(List, FindsAKineticsFileInEveryUsualPlace) {
  add_file("-aaaaaaaaaa_000001_000011.mp4");
  add_file("train/bbbbbbbbbbb_000002_000012.mp4");
  add_file("air drumming/ccccccccccc_000003_000013.mp4");
  add_file("val/air drumming/ddddddddddd_000004_000014.mp4");
  add_file("validate/eeeeeeeeeee.mp4");
  const auto videos = read(std::string(kHeader) +
                           "air drumming,-aaaaaaaaaa,1,11,train\n"
                           "air drumming,bbbbbbbbbbb,2,12,train\n"
                           "\"air drumming\",ccccccccccc,3,13,test\r\n"
                           "air drumming,ddddddddddd,4,14,validate\n"
                           "air drumming,eeeeeeeeeee,5.5,15,validate\n");
  ASSERT_EQ(videos.size(), 5u);
  for (const ListedVideo& video : videos) EXPECT_EQ(video.reason, "") << video.id;
  EXPECT_EQ(videos[0].path, "-aaaaaaaaaa_000001_000011.mp4");
  EXPECT_EQ(videos[0].id, "-aaaaaaaaaa_000001_000011");
  EXPECT_FALSE(videos[0].start_seconds);
  EXPECT_EQ(videos[1].path, "train/bbbbbbbbbbb_000002_000012.mp4");
  EXPECT_EQ(videos[2].path, "air drumming/ccccccccccc_000003_000013.mp4");
  EXPECT_EQ(videos[2].split, "test");
  EXPECT_EQ(videos[3].path, "val/air drumming/ddddddddddd_000004_000014.mp4");
  EXPECT_EQ(videos[3].split, "val");
  EXPECT_EQ(videos[4].path, "validate/eeeeeeeeeee.mp4");
  EXPECT_EQ(videos[4].start_seconds, 5.5);
  EXPECT_EQ(videos[4].end_seconds, 15);
}

TEST_F(List, ReadsColumnsByNameAndQuotedFields) {
  add_file("aaaaaaaaaaa.mp4");
  const auto videos = read(
      "split,time_end,time_start,extra,youtube_id,label\n"
      "val,11,1,,aaaaaaaaaaa,\"say \"\"hi\"\", wave\"\n");
  ASSERT_EQ(videos.size(), 1u);
  EXPECT_EQ(videos[0].reason, "");
  EXPECT_EQ(videos[0].label, "say \"hi\", wave");
}

TEST_F(List, RejectsALineThatCannotBeUsedAndNamesIt) {
  add_file("aaaaaaaaaaa.mp4");
  const auto videos = read(std::string(kHeader) +
                           "x,missingmiss,1,11,train\n"
                           "x,../aaaaaaaa,1,11,train\n"
                           "x,aaaaaaaaaaa,11,1,train\n"
                           "x,aaaaaaaaaaa,nan,11,train\n"
                           "x,aaaaaaaaaaa,1,11,training set\n"
                           ",aaaaaaaaaaa,1,11,train\n"
                           "\"x,aaaaaaaaaaa,1,11,train\n"
                           "x\xff,aaaaaaaaaaa,1,11,train\n"
                           "x\x01,aaaaaaaaaaa,1,11,train\n"
                           "x\n"
                           "x,aaaaaaaaaaa,1,11,train\n"
                           "x,aaaaaaaaaaa,1,11,train\n");
  const std::vector<std::string> expected = {
      "not found: ", "hostile path: ", "bad line: ", "bad line: ",     "bad line: ", "no label: ",
      "bad line: ",  "bad line: ",     "bad line: ", "hostile path: ", "",           "duplicate: "};
  ASSERT_EQ(videos.size(), expected.size());
  for (size_t i = 0; i < videos.size(); ++i) {
    const int line = static_cast<int>(i) + 2;
    if (expected[i].empty()) {
      EXPECT_EQ(videos[i].reason, "");
    } else {
      EXPECT_THAT(videos[i].reason, StartsWith(expected[i] + source(line) + ": "));
      EXPECT_EQ(videos[i].path.empty(), expected[i] != "duplicate: ");
    }
    EXPECT_EQ(videos[i].source, source(line));
  }
}

TEST_F(List, ReadsPathsWithTheirLabels) {
  add_file("a dir/one.mp4");
  add_file("two.webm");
  const auto words = read("# comment\n\na dir/one.mp4 12\ntwo.webm\t7\n", {.split = "val"});
  ASSERT_EQ(words.size(), 2u);
  EXPECT_EQ(words[0].path, "a dir/one.mp4");
  EXPECT_EQ(words[0].id, "a dir/one");
  EXPECT_EQ(words[0].label, "12");
  EXPECT_EQ(words[0].split, "val");
  EXPECT_EQ(words[1].label, "7");
  const auto fields = read("path,label,split\na dir/one.mp4,\"two words, and a comma\",validation\ntwo.webm,x\n");
  ASSERT_EQ(fields.size(), 2u);
  EXPECT_EQ(fields[0].label, "two words, and a comma");
  EXPECT_EQ(fields[0].split, "val");
  EXPECT_EQ(fields[1].split, "train");
  const auto bare = read("a dir/one.mp4,first class\n");
  ASSERT_EQ(bare.size(), 1u);
  EXPECT_EQ(bare[0].label, "first class");
  EXPECT_EQ(bare[0].reason, "");
}

TEST_F(List, RefusesPathsAndLinksThatLeaveTheRoot) {
  add_file("inside.mp4");
  std::ofstream(directory_ / "outside.mp4") << "x";
  std::filesystem::create_symlink(directory_ / "outside.mp4", directory_ / "videos/link.mp4");
  std::filesystem::create_symlink(directory_ / "videos/inside.mp4", directory_ / "videos/kept.mp4");
  const std::string text =
      "../outside.mp4,x\n" + (directory_ / "outside.mp4") + ",x\nlink.mp4,x\nkept.mp4,x\na/../../outside.mp4,x\n";
  const auto strict = read(text);
  EXPECT_THAT(strict[0].reason, StartsWith("hostile path: "));
  EXPECT_THAT(strict[1].reason, StartsWith("hostile path: "));
  EXPECT_THAT(strict[2].reason, StartsWith("outside the root: "));
  EXPECT_EQ(strict[3].reason, "");
  EXPECT_THAT(strict[4].reason, StartsWith("hostile path: "));
  const auto open = read(text, {.allow_outside_root = true});
  EXPECT_THAT(open[0].reason, StartsWith("hostile path: "));
  EXPECT_EQ(open[1].reason, "");
  EXPECT_EQ(open[2].reason, "");
}

TEST_F(List, RefusesAListThatMakesNoSense) {
  EXPECT_THAT([&] { read("label,youtube_id,time_start,split\n"); },
              ThrowsMessage<core::DataError>(HasSubstr(source(1) + ": the Kinetics header has no column 'time_end'")));
  EXPECT_THAT([&] { read("\n# nothing\n"); }, ThrowsMessage<core::DataError>(HasSubstr("lists no video")));
  EXPECT_THROW(read("a.mp4 1\n", {.split = "trian"}), core::ConfigError);
  EXPECT_THROW(read_list(directory_ / "none.csv", {.root = directory_.path()}), core::IoError);
  EXPECT_THROW(read_list(directory_ / "list.csv", {.root = directory_ / "none"}), core::IoError);
  EXPECT_THAT([&] { read_list(directory_ / "list.csv", {.root = directory_ / "list.csv"}); },
              ThrowsMessage<core::IoError>(HasSubstr("expected the folder of the videos, found a file")));
}

}  // namespace
}  // namespace permafrost::data
