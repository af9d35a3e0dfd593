#include "data/dataset/mirrored_label.h"

#include <gtest/gtest.h>

#include "core/base/error.h"

namespace permafrost::data {
namespace {

TEST(MirroredLabel, SwapsTheThreePairsOfSsv2) {
  const std::string pull = "Pulling something from left to right", llup = "Pulling something from right to left";
  EXPECT_EQ(mirrored_label(pull), llup);
  EXPECT_EQ(mirrored_label(llup), pull);
  EXPECT_EQ(mirrored_label("Pushing something from left to right"), "Pushing something from right to left");
  EXPECT_EQ(mirrored_label("Pushing something from right to left"), "Pushing something from left to right");
  EXPECT_EQ(mirrored_label("Turning the camera left while filming something"),
            "Turning the camera right while filming something");
  EXPECT_EQ(mirrored_label("Turning the camera right while filming something"),
            "Turning the camera left while filming something");
  EXPECT_EQ(mirrored_label("Pushing [something] from left to right"), "Pushing [something] from right to left");
}

TEST(MirroredLabel, LeavesEveryOtherClassAlone) {
  for (const std::string label : {"Folding something", "red star moving left", "Turning the camera upwards",
                                  "Pushing something from left to right slowly", ""}) {
    EXPECT_EQ(mirrored_label(label), label);
  }
}

TEST(RequireMirroredLabels, RefusesHalfAPair) {
  EXPECT_NO_THROW(require_mirrored_labels(LabelMap({"waving"})));
  EXPECT_NO_THROW(require_mirrored_labels(
      LabelMap({"Pulling something from left to right", "waving", "Pulling something from right to left"})));
  EXPECT_THROW(require_mirrored_labels(LabelMap({"Pulling something from left to right", "waving"})),
               core::ConfigError);
}

}  // namespace
}  // namespace permafrost::data
