#include "data/dataset/label_lists.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cstdlib>

#include "core/base/error.h"
#include "core/base/file.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(LabelLists, ShipsThePublicDataSetsWithTheirNumbersOfClasses) {
  const std::map<std::string, int64_t> classes{{"hmdb51", 51},
                                               {"kinetics400", 400},
                                               {"kinetics600", 600},
                                               {"kinetics700", 700},
                                               {"kinetics710", 710},
                                               {"kinetics710_mmaction2", 710},
                                               {"kinetics710_videomaev2", 710},
                                               {"ssv2", 174},
                                               {"ucf101", 101}};
  EXPECT_EQ(shipped_labels().size(), classes.size());
  for (const auto& [name, count] : classes) EXPECT_EQ(find_labels(name).size(), count) << name;
}

TEST(LabelLists, TheTwoOrdersOfKinetics710DifferInTheirHash) {
  EXPECT_NE(find_labels("kinetics710_mmaction2").hash(), find_labels("kinetics710_videomaev2").hash());
}

TEST(LabelLists, AFileHasOneNameALineInItsOrder) {
  const permafrost::testing::TemporaryDirectory directory;
  core::publish_text(directory / "mine.txt", "walking\r\nabseiling\n\n");
  EXPECT_EQ(find_labels(directory / "mine.txt").names(), (std::vector<std::string>{"walking", "abseiling"}));
}

TEST(LabelLists, SuggestsTheNearestName) {
  EXPECT_THAT([] { find_labels("kinetics40"); },
              ThrowsMessage<core::ConfigError>(AllOf(HasSubstr("'kinetics40'"), HasSubstr("'kinetics400'"))));
}

TEST(LabelLists, NamesTheFileOfARepeatedName) {
  const permafrost::testing::TemporaryDirectory directory;
  core::publish_text(directory / "twice.txt", "walking\nwalking\n");
  EXPECT_THAT([&] { find_labels(directory / "twice.txt"); },
              ThrowsMessage<core::DataError>(AllOf(HasSubstr("twice.txt"), HasSubstr("'walking'"))));
}

TEST(LabelLists, AnEnvironmentVariableNamesAnotherDataFolder) {
  const permafrost::testing::TemporaryDirectory directory;
  core::make_directories(directory / "dataset/labels");
  core::publish_text(directory / "dataset/labels/two.txt", "a\nb\n");
  ::setenv("PERMAFROST_DATA", directory.path().c_str(), 1);
  EXPECT_EQ(shipped_labels(), std::vector<std::string>{"two"});
  EXPECT_EQ(find_labels("two").size(), 2);
  ::unsetenv("PERMAFROST_DATA");
}

}  // namespace
}  // namespace permafrost::data
