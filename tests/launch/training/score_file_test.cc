#include "launch/training/score_file.h"

#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/temporary_directory.h"

namespace permafrost::launch {
namespace {

ScoreSet set_of(const std::vector<std::string>& classes, std::vector<VideoScore> scores, const std::string& where) {
  return {.classes = {data::LabelMap(classes), {.classes = static_cast<int64_t>(classes.size())}},
          .scores = std::move(scores),
          .listed = 5,
          .split = "val",
          .frame_order = "natural",
          .where = where};
}

const ScoreSet kFirst = set_of({"run", "swim"}, {{"a", 0, {0.5F, 0.5F}, ""}, {"b", 1, {0.75F, 0.25F}, ""}}, "first");
// The same videos and classes in another order.
const ScoreSet kSecond = set_of({"swim", "run"}, {{"b", 0, {1, 0}, ""}, {"a", 1, {0, 1}, ""}}, "second");

TEST(ScoreFile, GivesBackWhatWasWrittenWithoutTheFailed) {
  const permafrost::testing::TemporaryDirectory directory;
  ScoreSet set = kFirst;
  set.scores.push_back({"", 0, {}, "a broken file"});
  write_scores(directory / "scores", set);
  const ScoreSet read = read_scores(directory / "scores");
  ASSERT_EQ(read.scores.size(), 2u);
  EXPECT_EQ(read.scores[1].video_id, "b");
  EXPECT_EQ(read.scores[1].target, 1);
  EXPECT_EQ(read.scores[1].scores, kFirst.scores[1].scores);
  EXPECT_EQ(read.classes.labels, kFirst.classes.labels);
  EXPECT_EQ(read.listed, 5);
}

TEST(ScoreFile, CombinesByVideoAndByClass) {
  const ScoreSet mean = combine({kFirst, kSecond}, {});
  EXPECT_EQ(mean.scores[0].scores, (std::vector<float>{0.75F, 0.25F}));
  EXPECT_EQ(mean.scores[1].scores, (std::vector<float>{0.375F, 0.625F}));
  EXPECT_EQ(combine({kFirst, kSecond}, {1, 3}).scores[0].scores, (std::vector<float>{0.875F, 0.125F}));
  EXPECT_EQ(combine({kFirst, kSecond}, {1, 0}).scores[1].scores, kFirst.scores[1].scores);
}

TEST(ScoreFile, RefusesOthers) {
  ScoreSet other_class = kSecond, other_video = kSecond, fewer = kSecond, other_split = kSecond, other_label = kSecond,
           shuffled = kSecond;
  other_class.classes.labels = data::LabelMap({"swim", "walk"});
  other_video.scores[0].video_id = "c";
  fewer.scores.pop_back();
  other_split.split = "test";
  other_label.scores[0].target = 1;  // the video's class was put right in between
  shuffled.frame_order = "shuffled";
  for (const ScoreSet& other : {other_class, other_video, fewer, other_split, other_label, shuffled}) {
    EXPECT_THROW(combine({kFirst, other}, {}), core::DataError);
  }
  for (const std::vector<double>& weights : {std::vector<double>{1}, {0, 0}, {1, -1}}) {
    EXPECT_THROW(combine({kFirst, kSecond}, weights), core::ConfigError);
  }
}

}  // namespace
}  // namespace permafrost::launch
