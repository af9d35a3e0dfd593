// What the program tells shells and man of itself is what its tables hold.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "launch/completion.h"
#include "launch/manual.h"

namespace permafrost::launch {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

class Shell : public ::testing::Test {
 protected:
  Settings settings_;
  core::OptionTable table_ = make_option_table(settings_);
};

TEST_F(Shell, BothCompletionsAndTheManualKnowEveryVerbAndOption) {
  const std::string bash = bash_completion(verbs(), table_), zsh = zsh_completion(verbs(), table_);
  const std::string manual = manual_page(verbs(), table_, "1.2.3");
  for (const Verb& verb : verbs()) {
    EXPECT_THAT(bash, HasSubstr(" " + verb.name + ")\n"));
    EXPECT_THAT(zsh, HasSubstr("    '" + verb.name + ":"));
    EXPECT_THAT(manual, HasSubstr(".SS " + verb.name + "\n"));
    for (const std::string& action : verb.actions) EXPECT_THAT(verb.usage, HasSubstr(action)) << verb.name;
  }
  for (const core::Option& option : table_.options()) {
    EXPECT_THAT(bash, HasSubstr("--" + option.name + " "));
    EXPECT_THAT(zsh, HasSubstr("--" + option.name + "["));
  }
}

TEST_F(Shell, AVerbIsOfferedItsOwnOptionsAlone) {
  const std::string bash = bash_completion(verbs(), table_);
  const size_t text = bash.find(" text)\n"), plan = bash.find(" plan)\n");
  ASSERT_LT(text, plan);
  const std::string of_text = bash.substr(text, plan - text);
  EXPECT_THAT(of_text, HasSubstr("--vocabulary "));
  EXPECT_THAT(of_text, HasSubstr("--quiet "));
  EXPECT_THAT(of_text, Not(HasSubstr("--recipe.epochs")));
}

}  // namespace
}  // namespace permafrost::launch
