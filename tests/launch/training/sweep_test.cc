#include "launch/training/sweep.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace permafrost::launch {
namespace {

std::vector<std::string> names_of(const std::vector<std::string>& sweep) {
  Settings settings;
  settings.path.run = "runs/a";
  settings.sweep = sweep;
  std::vector<std::string> names;
  for (const SweepPoint& point : points_of(settings)) names.push_back(point.name);
  return names;
}

TEST(Sweep, IsEveryCombination) {
  const std::vector<std::string> expected{"lr=1e-3,wd=0", "lr=1e-3,wd=0.1", "lr=3e-3,wd=0", "lr=3e-3,wd=0.1"};
  EXPECT_EQ(names_of({"lr=1e-3,3e-3,wd=0,0.1"}), expected);
  EXPECT_EQ(names_of({"lr=1e-3,3e-3", "recipe.weight_decay=0,0.1"}), expected);
}

TEST(Sweep, OfNothingIsTheSettingsThemselves) { EXPECT_THAT(names_of({}), ::testing::ElementsAre("")); }

TEST(Sweep, GivesEachPointItsValuesAndItsFolder) {
  Settings settings;
  settings.path.run = "runs/a";
  settings.sweep = {"lr=1e-3,3e-3,ema=0.9"};
  const std::vector<SweepPoint> points = points_of(settings);
  ASSERT_EQ(points.size(), 2u);
  EXPECT_EQ(points[1].settings.recipe.schedule.learning_rate, 3e-3);
  EXPECT_EQ(points[1].settings.recipe.ema_decay, 0.9);
  EXPECT_EQ(points[1].settings.path.run, "runs/a/lr=3e-3,ema=0.9");
  EXPECT_THAT(points[1].options, ::testing::ElementsAre("recipe.learning_rate", "recipe.ema_decay"));
  EXPECT_THAT(points[1].values, ::testing::ElementsAre("3e-3", "0.9"));
}

TEST(Sweep, RefusesWhatItCannotDo) {
  for (const char* text :
       {"batch=8,16", "lr", "1e-3", "lr=", "lr=1e-3,", "lr=x", "lr=1e-3,1e-3", "lr=1,lr=2", "ema=1"}) {
    EXPECT_THROW(names_of({text}), core::ConfigError) << text;
  }
}

}  // namespace
}  // namespace permafrost::launch
