#include "launch/training/evaluation.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace permafrost::launch {
namespace {

const ScoredClasses kAll{data::LabelMap({"abseiling", "hugging (not baby)", "zumba"}),
                         {.kind = core::HeadKind::kText, .classes = 3}};

TEST(Evaluation, ChoosesAmongTheClassesOfAPart) {
  std::vector<VideoScore> scores{{"a", 1, {0.2f, 0.3f, 0.5f}, ""}, {"b", 0, {}, "truncated"}};
  const ClassPart part = part_of(kAll, data::LabelMap({"hugging", "abseiling"}));
  EXPECT_EQ(restrict_to(part, scores), 0);
  EXPECT_EQ(scores[0].target, 0);
  EXPECT_EQ(scores[0].scores, (std::vector<float>{0.3f, 0.2f}));
  const nlohmann::json result = summarise(scores, {part.labels, {.kind = core::HeadKind::kText, .classes = 2}});
  EXPECT_EQ(result["top1"], 1.0);
  EXPECT_EQ(result["failed"], 1);
  EXPECT_EQ(result["classes"], (std::vector<std::string>{"hugging", "abseiling"}));
  EXPECT_EQ(result["chance"], 0.5);
}

TEST(Evaluation, LeavesOutVideosOfOtherClasses) {
  std::vector<VideoScore> scores{{"a", 2, {0.2f, 0.3f, 0.5f}, ""}, {"b", 0, {0.6f, 0.3f, 0.1f}, ""}};
  EXPECT_EQ(restrict_to(part_of(kAll, data::LabelMap({"hugging", "abseiling"})), scores), 1);
  ASSERT_EQ(scores.size(), 1u);
  EXPECT_EQ(scores[0].video_id, "b");
  EXPECT_EQ(scores[0].target, 1);
  EXPECT_THROW(part_of(kAll, data::LabelMap({"juggling"})), core::DataError);
}

TEST(Evaluation, CountsVideosThatCouldNotBeReadInASecondDenominator) {
  const std::vector<VideoScore> scores{
      {"a", 2, {0.2f, 0.3f, 0.5f}, ""}, {"b", 0, {0.2f, 0.3f, 0.5f}, ""}, {"c", 0, {}, "truncated"}};
  const nlohmann::json alone = summarise(scores, kAll);
  EXPECT_EQ(alone["videos"], 2);
  EXPECT_EQ(alone["failed"], 1);
  EXPECT_EQ(alone["top1"], 0.5);
  EXPECT_NEAR(alone["top1_of_all"].get<double>(), 1.0 / 3, 1e-12);
  const nlohmann::json listed = summarise(scores, kAll, /*listed=*/10);
  EXPECT_EQ(listed["failed"], 8);
  EXPECT_EQ(listed["top1"], 0.5);
  EXPECT_NEAR(listed["top1_of_all"].get<double>(), 0.1, 1e-12);
}

}  // namespace
}  // namespace permafrost::launch
