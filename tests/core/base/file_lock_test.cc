#include "core/base/file_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>

#include "core/base/error.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(DirectoryLock, NamesTheOwnerToTheSecondAndFreesWithTheFirst) {
  const permafrost::testing::TemporaryDirectory directory;
  {
    const DirectoryLock first(directory / "run");
    EXPECT_THAT([&] { DirectoryLock second(directory / "run"); },
                ThrowsMessage<IoError>(HasSubstr("in use by pid " + std::to_string(::getpid()))));
  }
  EXPECT_NO_THROW(DirectoryLock third(directory / "run"));
}

TEST(DirectoryLock, KnowsWhetherItsFileWasRemovedMeanwhile) {
  const permafrost::testing::TemporaryDirectory directory;
  const DirectoryLock lock(directory / "run");
  EXPECT_TRUE(lock.is_current());
  std::filesystem::remove_all(directory / "run");
  EXPECT_FALSE(lock.is_current());
  const DirectoryLock another(directory / "run");
  EXPECT_TRUE(another.is_current());
  EXPECT_FALSE(lock.is_current());
}

}  // namespace
}  // namespace permafrost::core
