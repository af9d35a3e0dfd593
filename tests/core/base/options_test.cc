#include "core/base/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <fstream>

#include "core/base/error.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

using ::testing::HasSubstr;

struct Settings {
  std::string cache;
  int64_t epochs = 36;
  double rate = 0.5;
  bool decode = false;
  std::string codec = "f16";
};

OptionTable table_of(Settings& settings) {
  OptionTable table;
  table.section("", "Paths");
  table.add("cache", &settings.cache, "the cache directory");
  table.add("decode", &settings.decode, "decode to the end");
  table.section("recipe", "Recipe");
  table.add("epochs", &settings.epochs, "passes over the training set");
  table.add("rate", &settings.rate, "the learning rate");
  table.section("cache", "Cache");
  table.add("codec", &settings.codec, "how features are stored", {"f16", "int8"});
  return table;
}

std::string message_of(const OptionTable& table) {
  try {
    table.finish();
  } catch (const ConfigError& error) {
    return error.what();
  }
  return "";
}

TEST(OptionTable, LetsTheCommandLineWinOverTheConfigAndRemembersOrigins) {
  const permafrost::testing::TemporaryDirectory directory;
  std::ofstream(directory / "a.ini") << "[recipe]\nepochs = 3\nrate = 1e-3\n";
  Settings settings;
  OptionTable table = table_of(settings);
  table.read_config(directory / "a.ini");
  const auto positional =
      table.read_arguments({"train", "--recipe.epochs", "7", "--decode", "a.mp4", "--cache=some/where"});
  table.finish();
  EXPECT_EQ(positional, (std::vector<std::string>{"train", "a.mp4"}));
  EXPECT_EQ(settings.epochs, 7);
  EXPECT_EQ(settings.rate, 1e-3);
  EXPECT_TRUE(settings.decode);
  EXPECT_EQ(settings.cache, "some/where");
  EXPECT_THAT(table.print(), HasSubstr("recipe.epochs = 7  # command line"));
  EXPECT_THAT(table.print(), HasSubstr("cache.codec = f16  # default"));
}

TEST(OptionTable, TellsEveryFaultOfAConfigAtOnce) {
  const permafrost::testing::TemporaryDirectory directory;
  std::ofstream(directory / "a.ini") << "[recipe]\nepoch = 3\nrate = fast\n[cache]\ncodec = f61\n";
  Settings settings;
  OptionTable table = table_of(settings);
  table.read_config(directory / "a.ini");
  const std::string message = message_of(table);
  EXPECT_THAT(message, HasSubstr("unknown option 'recipe.epoch': did you mean 'recipe.epochs'?"));
  EXPECT_THAT(message, HasSubstr("option 'recipe.rate' is 'fast', expected NUMBER"));
  EXPECT_THAT(message, HasSubstr("option 'cache.codec' is 'f61', expected f16|int8"));
}

TEST(OptionTable, RefusesAnUnknownArgumentAndAHalfNumber) {
  Settings settings;
  OptionTable table = table_of(settings);
  table.read_arguments({"--recipe.epochs", "7x", "--cahce", "dir"});
  EXPECT_THAT(message_of(table), HasSubstr("'7x', expected INTEGER"));
  EXPECT_THAT(message_of(table), HasSubstr("did you mean 'cache'?"));
}

TEST(OptionTable, RefusesAnOptionGivenTwiceInAConfig) {
  const permafrost::testing::TemporaryDirectory directory;
  std::ofstream(directory / "a.ini") << "[recipe]\nepochs = 3\nrate = 1\nepochs = 4\n";
  Settings settings;
  OptionTable table = table_of(settings);
  table.read_config(directory / "a.ini");
  EXPECT_THAT(message_of(table), HasSubstr("option 'recipe.epochs' is given twice, expected once"));
}

TEST(OptionTable, LeavesAValueThatDoesNotParseAsItWasAndTellsTheCallersFaultsToo) {
  Settings settings;
  OptionTable table = table_of(settings);
  table.read_arguments({"--recipe.epochs", "0.5"});
  table.complain("a fault of the caller's");
  EXPECT_EQ(settings.epochs, 36);
  EXPECT_EQ(message_of(table),
            "command line: option 'recipe.epochs' is '0.5', expected INTEGER\na fault of the caller's");
}

TEST(OptionTable, KnowsOptionsByNameAndBySection) {
  EXPECT_TRUE(is_among("recipe.epochs", {"cache", "recipe."}));
  EXPECT_TRUE(is_among("cache", {"cache", "recipe."}));
  EXPECT_FALSE(is_among("cache.codec", {"cache", "recipe."}));
}

TEST(OptionTable, ThrowsForAMissingConfig) {
  Settings settings;
  OptionTable table = table_of(settings);
  EXPECT_THROW(table.read_config("no/such.ini"), IoError);
}

TEST(OptionTable, HelpNamesEveryOptionWithItsDefault) {
  Settings settings;
  const std::string help = table_of(settings).help({});
  EXPECT_THAT(help, HasSubstr("--recipe.epochs INTEGER"));
  EXPECT_THAT(help, HasSubstr("[36]"));
  EXPECT_THAT(help, HasSubstr("--cache.codec f16|int8"));
}

TEST(OptionTable, AListTakesEveryOccurrenceOfTheLatestSource) {
  const permafrost::testing::TemporaryDirectory directory;
  std::ofstream(directory / "a.ini") << "template = from the config {}\n";
  std::vector<std::string> templates{"{}"};
  OptionTable table;
  table.section("", "Text");
  table.add("template", &templates, "sentence");
  EXPECT_THAT(table.print(), HasSubstr("template = {}  # default"));
  table.read_config(directory / "a.ini");
  EXPECT_EQ(templates, (std::vector<std::string>{"from the config {}"}));
  table.read_arguments({"--template", "a video of {}.", "--template", "{}"});
  table.finish();
  EXPECT_EQ(templates, (std::vector<std::string>{"a video of {}.", "{}"}));
}

}  // namespace
}  // namespace permafrost::core
