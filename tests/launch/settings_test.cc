#include "launch/settings.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace permafrost::launch {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;
using ::testing::SizeIs;

TEST(Settings, AreSoundByDefault) { EXPECT_THAT(faults_of(Settings()), SizeIs(0)); }

TEST(Settings, NumbersThatAreNoneAreNamedWithTheirOption) {
  for (const double value : {std::nan(""), std::numeric_limits<double>::infinity(), -1.0}) {
    Settings settings;
    settings.recipe.schedule.epochs = value;
    settings.recipe.schedule.learning_rate = value;
    settings.recipe.schedule.warmup_epochs = value;
    settings.recipe.schedule.warmup_start = value;
    settings.recipe.weight_decay = value;
    settings.recipe.label_smoothing = value;
    settings.eval.clip_weight = value;
    EXPECT_THAT(faults_of(settings), SizeIs(7)) << value;
  }
}

TEST(Settings, AFaultNamesOptionValueAndRange) {
  Settings settings;
  settings.model.temporal_dim = 0;
  settings.recipe.weight_decay = -1;
  settings.train.bucket_mib = int64_t{1} << 40;
  EXPECT_THAT(faults_of(settings), ElementsAre("option 'model.temporal_dim' is 0, expected at least 1",
                                               "option 'recipe.weight_decay' is -1, expected 0 to 1000",
                                               HasSubstr("'train.bucket_mib' is 1099511627776, expected at most")));
}

TEST(Settings, AStageAndItsBoundComeTogether) {
  Settings settings;
  settings.stage.gigabytes = 5;
  EXPECT_THAT(faults_of(settings), ElementsAre(HasSubstr("'stage-gb' is 5, expected --stage")));
  settings.path.stage = "scratch";
  EXPECT_THAT(faults_of(settings), SizeIs(0));
  for (const double value : {0.0, -1.0, std::nan(""), std::numeric_limits<double>::infinity()}) {
    settings.stage.gigabytes = value;
    EXPECT_THAT(faults_of(settings), ElementsAre(HasSubstr("expected more than 0 beside --stage"))) << value;
  }
}

}  // namespace
}  // namespace permafrost::launch
