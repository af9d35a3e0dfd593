#include "launch/training/mix_groups.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace permafrost::launch {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// What is said of this setting, or "" where it fits.
std::string complaint(int64_t group, int64_t batch, int64_t ranks, int64_t micro_batch = 0) {
  Settings settings;
  settings.recipe.mix.group = group;
  settings.recipe.batch = batch;
  settings.train.micro_batch = micro_batch;
  try {
    require_whole_groups(settings, ranks);
  } catch (const core::ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(RequireWholeGroups, AcceptsWhatCutsNone) {
  EXPECT_EQ(complaint(4, 256, 8), "");
  EXPECT_EQ(complaint(32, 256, 8), "");
  EXPECT_EQ(complaint(4, 12, 3), "");
  EXPECT_EQ(complaint(4, 32, 2, 8), "");
  EXPECT_EQ(complaint(4, 8, 2, 6), "");  // larger than a rank's share
  EXPECT_EQ(complaint(0, 7, 3, 1), "");  // nothing is mixed
}

TEST(RequireWholeGroups, RefusesARankThatCutsOneAndNamesWhatFits) {
  const std::string message = complaint(4, 12, 2);
  EXPECT_THAT(message, AllOf(HasSubstr("'recipe.mix_group' is 4"), HasSubstr("recipe.batch 12 over 2 ranks"),
                             HasSubstr("0 (no mixing), 2, 6"), HasSubstr("recipe.batch to a multiple of 8")));
  EXPECT_EQ(message.find('\n'), std::string::npos);
  EXPECT_THAT(complaint(4, 8, 3), HasSubstr("over 3 ranks"));
  EXPECT_THAT(complaint(4, 18, 1), HasSubstr("recipe.batch 18"));
}

TEST(RequireWholeGroups, RefusesAMicroBatchThatCutsOneAndNamesWhatFits) {
  EXPECT_THAT(complaint(4, 32, 2, 6),
              AllOf(HasSubstr("train.micro_batch 6 cuts a group"), HasSubstr("0 (no mixing), 2,"),
                    HasSubstr("train.micro_batch to 0 or a multiple of 4")));
}

TEST(RequireWholeGroups, RefusesAnOddGroup) {
  EXPECT_THAT(complaint(3, 12, 1), AllOf(HasSubstr("expected an even number"), HasSubstr("2, 4, 6, 12")));
}

}  // namespace
}  // namespace permafrost::launch
