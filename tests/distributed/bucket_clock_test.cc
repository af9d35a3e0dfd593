#include "distributed/bucket_clock.h"

#include <gtest/gtest.h>

namespace permafrost::distributed {
namespace {

TEST(Communication, IsNothingWithoutBuckets) {
  EXPECT_EQ(communication_of({}).busy_seconds, 0);
  EXPECT_EQ(communication_of({}).exposed_seconds, 0);
}

TEST(Communication, CountsTimeOnceWhereBucketsOverlap) {
  const Communication sum = communication_of({{.bytes = 1, .launched = 1, .done = 3},
                                              {.bytes = 1, .launched = 2, .done = 4},
                                              {.bytes = 1, .launched = 6, .done = 7}});
  EXPECT_DOUBLE_EQ(sum.busy_seconds, 4);
  EXPECT_DOUBLE_EQ(sum.exposed_seconds, 1);
}

TEST(Communication, IsExposedAfterTheLastLaunchUntilAllAreDone) {
  const Communication sum =
      communication_of({{.bytes = 1, .launched = 1, .done = 9}, {.bytes = 1, .launched = 5, .done = 8}});
  EXPECT_DOUBLE_EQ(sum.busy_seconds, 8);
  EXPECT_DOUBLE_EQ(sum.exposed_seconds, 4);
}

}  // namespace
}  // namespace permafrost::distributed
