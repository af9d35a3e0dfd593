#include "distributed/stop_signal.h"

#include <gtest/gtest.h>

#include <csignal>
#include <cstring>

namespace permafrost::distributed {
namespace {

class StopSignalOf : public testing::TestWithParam<int> {};

TEST_P(StopSignalOf, IsNotedAndNamed) {
  const StopSignal stop;
  EXPECT_FALSE(stop.requested());
  EXPECT_STREQ(stop.name(), "");
  std::raise(GetParam());
  EXPECT_TRUE(stop.requested());
  EXPECT_EQ(std::string(stop.name()), std::string("SIG") + sigabbrev_np(GetParam()));
}

INSTANTIATE_TEST_SUITE_P(All, StopSignalOf, testing::Values(SIGUSR2, SIGTERM, SIGINT));

TEST(StopSignal, ForgetsTheRequestOfAnEarlierOne) {
  {
    const StopSignal stop;
    std::raise(SIGTERM);
  }
  const StopSignal stop;
  EXPECT_FALSE(stop.requested());
}

TEST(StopSignal, GivesTheSignalsBack) {
  struct sigaction before {};
  sigaction(SIGTERM, nullptr, &before);
  { const StopSignal stop; }
  struct sigaction after {};
  sigaction(SIGTERM, nullptr, &after);
  EXPECT_EQ(after.sa_handler, before.sa_handler);
}

TEST(StopSignalDeathTest, EndsTheProcessAtTheSecondInterrupt) {
  EXPECT_EXIT(
      {
        const StopSignal stop;
        std::raise(SIGINT);
        std::raise(SIGTERM);
        std::raise(SIGINT);
      },
      testing::KilledBySignal(SIGINT), "");
}

TEST(StopSignalDeathTest, RefusesASecondOne) {
  const StopSignal stop;
  EXPECT_DEATH(StopSignal(), "a second StopSignal");
}

}  // namespace
}  // namespace permafrost::distributed
