#include "launch/progress.h"

#include <gtest/gtest.h>

namespace permafrost::launch {
namespace {

TEST(Progress, TellsTimeInTheUnitsThatPeopleUse) {
  EXPECT_EQ(duration_text(-1), "0 s");
  EXPECT_EQ(duration_text(9.4), "9 s");
  EXPECT_EQ(duration_text(99.4), "99 s");
  EXPECT_EQ(duration_text(110), "2 min");
  EXPECT_EQ(duration_text(99 * 60), "99 min");
  EXPECT_EQ(duration_text(120 * 60), "2 h");
  EXPECT_EQ(duration_text(133 * 60), "2 h 13 min");
  EXPECT_EQ(duration_text(76 * 3600), "3 d 4 h");
  EXPECT_EQ(duration_text(96 * 3600), "4 d");
}

TEST(Progress, TellsRateAndTimeToGo) {
  EXPECT_EQ(progress_text(640, 1440, "clips", 8), "640 of 1440 clips, 80.0 a second, 10 s to go");
  EXPECT_EQ(progress_text(0, 1440, "clips", 8), "0 of 1440 clips, 0.0 a second, time to go not known yet");
}

TEST(Progress, OfAnEarlierStartTakesNoTimeOfThisOne) {
  EXPECT_EQ(progress_text(140, 180, "steps", 10, 100), "140 of 180 steps, 4.0 a second, 10 s to go");
  EXPECT_EQ(progress_text(100, 180, "steps", 10, 100), "100 of 180 steps, 0.0 a second, time to go not known yet");
}

TEST(Progress, DrawsABarThatIsFullOnlyAtTheEnd) {
  EXPECT_EQ(bar_text("train", 0, 8), "train [........................] 0 %");
  EXPECT_EQ(bar_text("train", 4, 8), "train [############............] 50 %");
  EXPECT_EQ(bar_text("train", 999, 1000), "train [#######################.] 99 %");
  EXPECT_EQ(bar_text("train", 8, 8), "train [########################] 100 %");
  EXPECT_EQ(bar_text("train", 9, 8), bar_text("train", 8, 8));
  EXPECT_EQ(bar_text("train", 0, 0), "train [........................] 0 %");
}

}  // namespace
}  // namespace permafrost::launch
