#include "core/base/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

template <class Action>
std::string complaint_of(const Action& action) {
  try {
    action();
  } catch (const IoError& error) {
    return error.what();
  }
  return "";
}

TEST(File, AnErrorNamesTheFileAndNotItsPartialName) {
  const permafrost::testing::TemporaryDirectory directory;
  const std::string path = directory / "absent/report.html";
  const std::string message = complaint_of([&] { publish_text(path, "text"); });
  EXPECT_THAT(message, HasSubstr(path + ": cannot create: No such file or directory: check the path"));
  EXPECT_THAT(message, Not(HasSubstr(".partial-")));
}

TEST(File, AnErrorWithinAPartialFolderNamesTheFile) {
  const permafrost::testing::TemporaryDirectory directory;
  const std::string path = partial_name(directory / "step-4") + "/model.safetensors";
  EXPECT_THAT(complaint_of([&] { open_for_reading(path); }), HasSubstr(path));
}

}  // namespace
}  // namespace permafrost::core
