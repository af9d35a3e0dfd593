#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "data/dataset/label_lists.h"
#include "data/dataset/list.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

// Lists and videos side by side; the videos are empty files, for nothing here opens them.
class ListFormats : public ::testing::Test {
 protected:
  std::string write(const std::string& path, const std::string& text) {
    const std::filesystem::path file = directory_ / path;
    std::filesystem::create_directories(file.parent_path());
    std::ofstream(file) << text;
    return file;
  }
  void add_video(const std::string& path) { write("videos/" + path, "x"); }

  std::vector<ListedVideo> read(const std::string& list, ListOptions options = {}) {
    std::filesystem::create_directories(directory_ / "videos");
    options.root = directory_ / "videos";
    return read_list(directory_ / list, options);
  }

  permafrost::testing::TemporaryDirectory directory_;
};

TEST_F(ListFormats, KineticsFilesAreFoundUnderAnyExtensionAndFolder) {
  add_video("tiny/abseiling/aaaaaaaaaaa_000001_000011.webm");
  add_video("playing_guitar/bbbbbbbbbbb");
  add_video("ccccccccccc_000001_000011.part.mp4.json");
  add_video("other/ddddddddddd.mkv");
  add_video("train/playing guitar/ddddddddddd.mkv");
  add_video("._aaaaaaaaaaa_000001_000011.mp4");
  write("k.csv",
        "\xef\xbb\xbflabel,youtube_id,time_start,time_end,split,is_cc\r\n"
        "abseiling,aaaaaaaaaaa,1,11,train,0\r\n"
        "playing guitar,bbbbbbbbbbb,2,12,train,0\r\n"
        "playing guitar,ccccccccccc,1,11,train,0\r\n"
        "playing guitar,ddddddddddd,5,15,train,0\r\n");
  const auto videos = read("k.csv");
  ASSERT_EQ(videos.size(), 4u);
  EXPECT_EQ(videos[0].path, "tiny/abseiling/aaaaaaaaaaa_000001_000011.webm");
  EXPECT_FALSE(videos[0].may_be_cut);
  EXPECT_FALSE(videos[0].start_seconds);
  EXPECT_EQ(videos[1].path, "playing_guitar/bbbbbbbbbbb");
  EXPECT_TRUE(videos[1].may_be_cut);
  EXPECT_EQ(videos[1].start_seconds, 2);
  EXPECT_THAT(videos[2].reason, StartsWith("not found: "));
  EXPECT_EQ(videos[3].path, "train/playing guitar/ddddddddddd.mkv");  // of two, the one in the right folders
}

TEST_F(ListFormats, AKineticsTestListWithoutLabelsKeepsItsIds) {
  write("test.csv", "youtube_id,time_start,time_end,split\naaaaaaaaaaa,1,11,test\n");
  const auto videos = read("test.csv");
  ASSERT_EQ(videos.size(), 1u);
  EXPECT_EQ(videos[0].id, "aaaaaaaaaaa_000001_000011");
  EXPECT_EQ(videos[0].split, "test");
  EXPECT_THAT(videos[0].reason, StartsWith("no label: "));
}

TEST_F(ListFormats, PathsWithPartsAreVideosOfTheirOwn) {
  add_video("a.mp4");
  write("parts.csv",
        "path,label,start_seconds,end_seconds\na.mp4,run,0,2.5\na.mp4,sit,00:01:02,00:01:04\na.mp4,run,5,3\n");
  const auto videos = read("parts.csv");
  ASSERT_EQ(videos.size(), 3u);
  EXPECT_EQ(videos[0].id, "a_000000.000_000002.500");
  EXPECT_EQ(videos[0].end_seconds, 2.5);
  EXPECT_EQ(videos[1].id, "a_000062_000064");
  EXPECT_EQ(videos[1].start_seconds, 62);
  EXPECT_EQ(videos[1].reason, "");
  EXPECT_THAT(videos[2].reason, StartsWith("bad line: "));
}

TEST_F(ListFormats, PathsAreFoundUnderAnotherExtensionInTheSameFolderOnly) {
  add_video("a/one.mkv");
  add_video("b/two.mp4");
  add_video("c/three");
  write("val_list.txt", "a/one.mp4 0\na/two.mp4 1\nc/three.avi 0\nb/two 1\n");
  const auto videos = read("val_list.txt");
  ASSERT_EQ(videos.size(), 4u);
  EXPECT_EQ(videos[0].path, "a/one.mkv");
  EXPECT_EQ(videos[0].split, "val");
  EXPECT_THAT(videos[1].reason, StartsWith("not found: "));
  EXPECT_EQ(videos[2].path, "c/three");
  EXPECT_EQ(videos[3].path, "b/two.mp4");
}

TEST_F(ListFormats, NumbersBecomeTheNamesOfTheGivenLabels) {
  add_video("a.mp4");
  add_video("b.mp4");
  write("list.txt", "a.mp4 1\nb.mp4 2\nb.mp4 rum\n");
  const auto videos = read("list.txt", {.labels = LabelMap({"sit", "run"})});
  ASSERT_EQ(videos.size(), 3u);
  EXPECT_EQ(videos[0].label, "run");
  EXPECT_THAT(videos[1].reason, StartsWith("unknown label: "));
  EXPECT_THAT(videos[2].reason, HasSubstr("did you mean 'run'?"));
  EXPECT_EQ(read("list.txt")[0].label, "1");
}

TEST_F(ListFormats, FoldersOfImagesAreCounted) {
  for (const char* image : {"img_00001.jpg", "img_00002.JPG", "._img_00003.jpg", "flow.npy"}) {
    add_video(std::string("dance/one clip/") + image);
  }
  write("frames.txt",
        "dance/one clip 2 7\ndance/one clip 3 7\ndance/none 2 7\n../videos/dance 2 7\ndance/one clip x 7\n");
  const auto videos = read("frames.txt");
  ASSERT_EQ(videos.size(), 5u);
  EXPECT_EQ(videos[0].reason, "");
  EXPECT_EQ(videos[0].path, "dance/one clip");
  EXPECT_EQ(videos[0].label, "7");
  EXPECT_THAT(videos[1].reason, StartsWith("wrong frame count: "));
  EXPECT_THAT(videos[2].reason, StartsWith("not found: "));
  EXPECT_THAT(videos[3].reason, StartsWith("hostile path: "));
  EXPECT_THAT(videos[4].reason, StartsWith("bad line: "));
}

TEST_F(ListFormats, SomethingSomethingHasTemplatesForLabels) {
  add_video("78687.webm");
  add_video("42326");
  write("something-something-v2-validation.json",
        R"([{"id": "78687", "label": "holding potato", "template": "Holding [something] next to [something]",
             "placeholders": ["potato"]},
            {"id": 42326, "template": "Pulling [something] from left to right"},
            {"id": "1"}, {"id": "../1", "template": "x"}, 5])");
  const auto videos = read("something-something-v2-validation.json");
  ASSERT_EQ(videos.size(), 5u);
  EXPECT_EQ(videos[0].label, "Holding something next to something");
  EXPECT_EQ(videos[0].path, "78687.webm");
  EXPECT_EQ(videos[0].split, "val");
  EXPECT_EQ(videos[1].path, "42326");
  EXPECT_TRUE(find_labels("ssv2").has(videos[0].label));
  EXPECT_THAT(videos[2].reason, StartsWith("no label: "));
  EXPECT_EQ(videos[2].id, "1");
  EXPECT_THAT(videos[3].reason, StartsWith("hostile path: "));
  EXPECT_THAT(videos[4].reason, StartsWith("bad line: "));
  write("bad.json", "[{\"id\":");
  EXPECT_THAT([&] { read("bad.json"); }, ThrowsMessage<core::DataError>(HasSubstr("expected a JSON list")));
}

TEST_F(ListFormats, Hmdb51FilesSayTheSplitOfEachFold) {
  add_video("brush_hair/April_09_brush_hair_u_nm_np1_ba_goo_0.avi");
  add_video("brush_hair/b (1).avi");
  add_video("cartwheel/c.avi");
  write("splits/brush_hair_test_split1.txt",
        "April_09_brush_hair_u_nm_np1_ba_goo_0.avi 1 \nb (1).avi 2 \nunused.avi 0 \n");
  write("splits/brush_hair_test_split2.txt", "b (1).avi 1\n");
  write("splits/cartwheel_test_split1.txt", "c.avi 2\nd.avi 7\n");
  const auto videos = read("splits");
  ASSERT_EQ(videos.size(), 4u);
  EXPECT_EQ(videos[0].label, "brush_hair");
  EXPECT_EQ(videos[0].split, "train");
  EXPECT_EQ(videos[1].path, "brush_hair/b (1).avi");
  EXPECT_EQ(videos[1].split, "test");
  EXPECT_EQ(videos[2].label, "cartwheel");
  EXPECT_THAT(videos[3].reason, StartsWith("bad line: "));
  const auto second = read("splits", {.fold = 2});
  ASSERT_EQ(second.size(), 1u);
  EXPECT_EQ(second[0].split, "train");
  EXPECT_THAT([&] { read("splits", {.fold = 4}); }, ThrowsMessage<core::DataError>(HasSubstr("_test_split4.txt")));
}

TEST_F(ListFormats, Ucf101NamesItsClassesByFolder) {
  add_video("ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi");
  add_video("ApplyLipstick/v_ApplyLipstick_g01_c01.avi");
  write("classInd.txt", "1 ApplyEyeMakeup\r\n2 ApplyLipstick\r\n");
  write("trainlist01.txt",
        "ApplyEyeMakeup/v_ApplyEyeMakeup_g08_c01.avi 1\r\nApplyLipstick/v_ApplyLipstick_g01_c01.avi 1\r\n");
  write("testlist01.txt", "ApplyLipstick/v_ApplyLipstick_g01_c01.avi\r\n");
  const auto train = read("trainlist01.txt");
  ASSERT_EQ(train.size(), 2u);
  EXPECT_EQ(train[0].label, "ApplyEyeMakeup");
  EXPECT_EQ(train[0].split, "train");
  EXPECT_THAT(train[1].reason, HasSubstr("its folder says 'ApplyLipstick', its number 'ApplyEyeMakeup'"));
  const auto test = read("testlist01.txt");
  ASSERT_EQ(test.size(), 1u);
  EXPECT_EQ(test[0].label, "ApplyLipstick");
  EXPECT_EQ(test[0].split, "test");
}

TEST_F(ListFormats, EpicKitchensHasPartsAndTwoClasses) {
  add_video("P01/videos/P01_01.MP4");
  write("EPIC_100_verb_classes.csv",
        "id,key,instances,category\n0,take,\"['take', 'grab']\",retrieve\n3,open,\"[]\",x\n");
  write("EPIC_100_noun_classes.csv", "id,key,instances\n3,fridge,[]\n1,\"pan\",[]\n");
  write("EPIC_100_train.csv",
        "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,verb,verb_class,noun,"
        "noun_class,all_nouns\n"
        "P01_01_0,P01,P01_01,00:00:01.089,00:00:00.14,00:00:03.37,open,3,door,3,\"['fridge', 'door']\"\n"
        "P01_01_1,P01,P01_01,00:00:02.629,01:00:04.37,01:00:06.17,grab,0,pan,1,['pan']\n"
        "P01_01_2,P01,P01_01,00:00:02.629,00:00:06.37,00:00:06.17,grab,0,pan,1,['pan']\n"
        "P01_01_3,P01,P01_02,00:00:02.629,00:00:05.37,00:00:06.17,grab,9,pan,1,['pan']\n");
  const auto videos = read("EPIC_100_train.csv");
  ASSERT_EQ(videos.size(), 4u);
  EXPECT_EQ(videos[0].reason, "");
  EXPECT_EQ(videos[0].label, "open/fridge");
  EXPECT_EQ(videos[0].path, "P01/videos/P01_01.MP4");
  EXPECT_NEAR(*videos[0].end_seconds, 3.37, 1e-9);
  EXPECT_EQ(videos[1].label, "take/pan");
  EXPECT_NEAR(*videos[1].start_seconds, 3604.37, 1e-9);
  EXPECT_THAT(videos[2].reason, StartsWith("bad line: "));
  EXPECT_THAT(videos[3].reason, StartsWith("no label: "));
  std::filesystem::remove(directory_ / "EPIC_100_noun_classes.csv");
  EXPECT_THAT([&] { read("EPIC_100_train.csv"); },
              ThrowsMessage<core::DataError>(HasSubstr("EPIC_100_noun_classes.csv")));
}

TEST_F(ListFormats, AFolderWithAnImageFromOutsideIsRefused) {
  add_video("clip/img_00001.jpg");
  write("elsewhere/b.jpg", "x");
  std::filesystem::create_symlink(directory_ / "elsewhere/b.jpg", directory_ / "videos/clip/img_00002.jpg");
  write("frames.txt", "clip 2 7\n");
  const auto videos = read("frames.txt");
  EXPECT_THAT(videos[0].reason, StartsWith("outside the root: "));
  EXPECT_EQ(videos[0].path, "");
  EXPECT_EQ(read("frames.txt", {.allow_outside_root = true})[0].reason, "");
}

TEST_F(ListFormats, ACommaInANameNeverMeansAnotherFile) {
  for (const char* video : {"a.mp4", "a, b.mp4"}) add_video(video);
  write("list.txt", "a, b.mp4 x\na, b.mp4\ty z\n");
  const auto videos = read("list.txt");
  EXPECT_EQ(videos[0].path, "a, b.mp4");
  EXPECT_EQ(videos[0].label, "x");
  EXPECT_EQ(videos[1].label, "y z");
}

TEST_F(ListFormats, LabelsMayBeQuotedAndSplitsFollowThem) {
  for (const char* video : {"a b.mp4", "c.mp4", "d.mp4"}) add_video(video);
  write("list.txt", "a b.mp4 \"playing guitar\"\nc.mp4,\"q, r\",val\nd.mp4,x,never\n");
  const auto videos = read("list.txt");
  EXPECT_EQ(videos[0].path, "a b.mp4");
  EXPECT_EQ(videos[0].label, "playing guitar");
  EXPECT_EQ(videos[1].label, "q, r");
  EXPECT_EQ(videos[1].split, "val");
  EXPECT_THAT(videos[2].reason, StartsWith("bad line: "));
}

// It would stand in the label map, which refuses it and the whole scan with it.
TEST_F(ListFormats, ALabelWithATabIsRejectedAndForgotten) {
  add_video("aaaaaaaaaaa.mp4");
  write("k.csv", "label,youtube_id,time_start,time_end,split\n\"p\tq\",aaaaaaaaaaa,1,11,train\n");
  const auto videos = read("k.csv");
  EXPECT_THAT(videos[0].reason, StartsWith("bad line: "));
  EXPECT_EQ(videos[0].label, "");
}

TEST_F(ListFormats, AFolderTreeNeedsNoList) {
  add_video("train/run/a.mp4");
  add_video("train/run/._a.mp4");
  add_video("validation/sit down/deep/b.avi");
  add_video("walk/c.webm");
  add_video("top.mp4");
  add_video("walk/notes.txt");
  const auto videos = read("videos");
  ASSERT_EQ(videos.size(), 4u);
  EXPECT_THAT(videos[0].reason, StartsWith("no label: "));
  EXPECT_EQ(videos[1].id, "train/run/a");
  EXPECT_EQ(videos[1].label, "run");
  EXPECT_EQ(videos[2].label, "sit down");
  EXPECT_EQ(videos[2].split, "val");
  EXPECT_EQ(videos[3].label, "walk");
  EXPECT_EQ(videos[3].split, "train");
}

TEST_F(ListFormats, LoopsOfLinksAndLinksOutsideDoNotTrapTheWalk) {
  add_video("run/a.mp4");
  write("elsewhere/b.mp4", "x");
  std::filesystem::create_directory_symlink(directory_ / "videos", directory_ / "videos/run/loop");
  std::filesystem::create_directory_symlink(directory_ / "elsewhere", directory_ / "videos/sit");
  EXPECT_EQ(read("videos").size(), 1u);
  EXPECT_EQ(read("videos", {.allow_outside_root = true}).size(), 2u);
  std::filesystem::create_symlink("/dev/zero", directory_ / "videos/run/zero.mp4");
  EXPECT_EQ(read("videos", {.allow_outside_root = true}).size(), 2u);
}

TEST_F(ListFormats, HostileLinesAreRejectedOneByOne) {
  add_video("a.mp4");
  std::string text = "a.mp4 x\na.mp4\x01 x\n\xff\xfe.mp4 x\n/etc/passwd x\n../a.mp4 x\n";
  text += std::string("a") + '\0' + ".mp4 x\n" + std::string(70'000, 'a') + " x\n";
  write("list.txt", text);
  const auto videos = read("list.txt");
  ASSERT_EQ(videos.size(), 7u);
  EXPECT_EQ(videos[0].reason, "");
  for (size_t i = 1; i < videos.size(); ++i) {
    EXPECT_THAT(videos[i].reason, ::testing::AnyOf(StartsWith("bad line: "), StartsWith("hostile path: "))) << i;
    EXPECT_THAT(videos[i].reason, HasSubstr("list.txt:" + std::to_string(i + 1)));
    EXPECT_LT(videos[i].reason.size(), 300u);
  }
}

TEST_F(ListFormats, SeveralListsShareTheirIds) {
  add_video("a.mp4");
  add_video("b.mp4");
  write("train.txt", "a.mp4 x\n");
  write("val.txt", "b.mp4 x\na.mp4 x\n");
  const auto videos = read_lists({directory_ / "train.txt", directory_ / "val.txt"}, {.root = directory_ / "videos"});
  ASSERT_EQ(videos.size(), 3u);
  EXPECT_EQ(videos[0].split, "train");
  EXPECT_EQ(videos[1].split, "val");
  EXPECT_THAT(videos[0].reason, StartsWith("held out: "));
  EXPECT_THAT(videos[0].reason, HasSubstr("val.txt:2 for the split val"));
  EXPECT_EQ(videos[2].reason, "") << "evaluation needs it";
}

TEST_F(ListFormats, TheFormatCanBeForced) {
  add_video("a.mp4");
  write("list.txt", "a.mp4 x\n");
  EXPECT_EQ(read("list.txt", {.format = "paths"}).size(), 1u);
  EXPECT_THROW(read("list.txt", {.format = "hmdb51"}), core::ConfigError);
  EXPECT_THROW(read("list.txt", {.format = "none"}), core::ConfigError);
  EXPECT_THROW(read("list.txt", {.format = "kinetics"}), core::DataError);
}

}  // namespace
}  // namespace permafrost::data
