#include "data/dataset/label_map.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/checksum.h"
#include "core/base/error.h"

namespace permafrost::data {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(LabelMap, KeepsTheOrderItIsGiven) {
  const LabelMap labels({"b", "a", "c"});
  EXPECT_EQ(labels.index_of("b"), 0);
  EXPECT_EQ(labels.index_of("a"), 1);
  EXPECT_EQ(labels.size(), 3);
  EXPECT_EQ(LabelMap::sorted({"b", "a", "c", "a"}).names(), (std::vector<std::string>{"a", "b", "c"}));
}

TEST(LabelMap, HashTellsOrderAndBoundaries) {
  EXPECT_EQ(LabelMap({"a", "b"}).hash(), core::sha256_hex("a\nb\n"));
  EXPECT_NE(LabelMap({"a", "b"}).hash(), LabelMap({"b", "a"}).hash());
  EXPECT_NE(LabelMap({"ab", "c"}).hash(), LabelMap({"a", "bc"}).hash());
}

TEST(LabelMap, NamesTheLabelItDoesNotKnow) {
  const LabelMap labels({"Playing Guitar"});
  EXPECT_THAT([&] { labels.index_of("swimming"); }, ThrowsMessage<core::DataError>(HasSubstr("'swimming'")));
  EXPECT_THAT([&] { labels.index_of("playing guitar"); },
              ThrowsMessage<core::DataError>(HasSubstr("did you mean 'Playing Guitar'")));
}

TEST(LabelMap, RefusesRepeatedEmptyAndBrokenNames) {
  EXPECT_THROW(LabelMap({"a", "b", "a"}), core::DataError);
  EXPECT_THROW(LabelMap({"a", ""}), core::DataError);
  EXPECT_THROW(LabelMap({"a\nb"}), core::DataError);
}

}  // namespace
}  // namespace permafrost::data
