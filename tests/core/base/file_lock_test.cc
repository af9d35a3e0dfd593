#include "core/base/file_lock.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

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

}  // namespace
}  // namespace permafrost::core
