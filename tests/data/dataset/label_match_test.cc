#include "data/dataset/label_match.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <set>

#include "core/base/error.h"
#include "data/dataset/label_lists.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using ::testing::HasSubstr;
using ::testing::ThrowsMessage;

TEST(LabelMatch, Kinetics710IsTheUnionOfItsThreePartsUnderTheRenames) {
  std::vector<std::string> names;
  for (const char* part : {"kinetics400", "kinetics600", "kinetics700"}) {
    const LabelMap labels = find_labels(part);
    for (const std::string& name : labels.names()) names.push_back(unified_label(name));
  }
  const LabelMap expected = LabelMap::sorted(names);
  EXPECT_EQ(expected.size(), 710);
  EXPECT_EQ(find_labels("kinetics710").names(), expected.names());
}

TEST(LabelMatch, EveryPartHasAPlaceOfItsOwnInEachPublicOrder) {
  for (const char* order : {"kinetics710", "kinetics710_mmaction2"}) {
    for (const char* part : {"kinetics400", "kinetics600", "kinetics700"}) {
      const std::vector<int64_t> places = places_of(find_labels(part), find_labels(order));
      EXPECT_EQ(std::set<int64_t>(places.begin(), places.end()).size(), places.size()) << part << ' ' << order;
    }
  }
}

TEST(LabelMatch, TheOtherPublicOrderLacksOneClassOfKinetics600) {
  const LabelMap order = find_labels("kinetics710_videomaev2");
  EXPECT_EQ(places_of(find_labels("kinetics400"), order).size(), 400u);
  EXPECT_EQ(places_of(find_labels("kinetics700"), order).size(), 700u);
  EXPECT_FALSE(class_of("chopping vegetables", order));
  EXPECT_THAT([&] { places_of(find_labels("kinetics600"), order); },
              ThrowsMessage<core::DataError>(HasSubstr("chopping vegetables")));
  EXPECT_NE(class_of("throwing ball", order), class_of("throwing ball (not baseball or American football)", order));
}

TEST(LabelMatch, NamesAreFoundInBothDirections) {
  const LabelMap k400 = find_labels("kinetics400"), k710 = find_labels("kinetics710");
  EXPECT_EQ(k710.names()[static_cast<size_t>(*class_of("hugging", k710))], "hugging (not baby)");
  EXPECT_EQ(k400.names()[static_cast<size_t>(*class_of("hugging (not baby)", k400))], "hugging");
  EXPECT_EQ(class_of("throwing ball (not baseball or American football)", find_labels("kinetics710_mmaction2")),
            find_labels("kinetics710_mmaction2").index_of("throwing ball"));
  EXPECT_FALSE(class_of("no such class", k710));
  EXPECT_THAT([&] { require_class("huging (not baby)", k710); },
              ThrowsMessage<core::DataError>(HasSubstr("huging (not baby)")));
}

TEST(LabelMatch, TwoNamesOfOneClassAreNoPart) {
  EXPECT_THROW(places_of(LabelMap({"hugging", "hugging (not baby)"}), find_labels("kinetics710")), core::DataError);
}

TEST(LabelLists, ReadsSomethingSomethingsOwnFile) {
  const permafrost::testing::TemporaryDirectory directory;
  std::ofstream(directory / "labels.json") << R"({"Closing something": "1", "Burying something": "0"})";
  EXPECT_EQ(find_labels(directory / "labels.json").names(),
            (std::vector<std::string>{"Burying something", "Closing something"}));
  std::ofstream(directory / "gap.json") << R"({"Closing something": "2", "Burying something": "0"})";
  EXPECT_THROW(find_labels(directory / "gap.json"), core::DataError);
}

}  // namespace
}  // namespace permafrost::data
