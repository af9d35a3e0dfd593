#include "launch/plan/plan_table.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>

#include "launch/plan/plan_json.h"

namespace permafrost::launch {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::Not;

// A device of 1 clip/s in either half, a codec of 1 GB and one of 0.5 GB a clip.
PlanInput one_device(double storage_bytes_per_second) {
  PlanInput input{.train_videos = 3600, .videos_origin = "counted", .epochs = 10};
  input.codecs = {{"f16", 1e9, 0.5e9}, {"int8", 0.5e9, 0.25e9}};
  input.codec = "f16";
  input.frozen.per_second = input.step.per_second = input.decode.per_second = 1;
  input.storage.per_second = storage_bytes_per_second;
  input.writing.per_second = 1e12;
  return input;
}

std::string table(const PlanInput& input) { return plan_table(make_plan(input), input, {"a.ini", "vit_b16"}); }
std::string reason(const PlanInput& input) { return reason_of(make_plan(input), input); }

TEST(PlanTable, TellsWhyACacheIsRecommended) {
  EXPECT_EQ(reason(one_device(1e10)), "11.0 h (online 20.0 h); it has paid for its build after 1 epoch");
  EXPECT_THAT(table(one_device(1e10)), HasSubstr("\nrecommended: cached f16: 11.0 h"));
}

TEST(PlanTable, TellsWhyNoCacheIsRecommended) {
  EXPECT_EQ(reason(one_device(1e6)),
            "20.0 h (cached int8 5001 h); a cached step needs 0.500 GB/s a node, storage gives 0.001");
  EXPECT_THAT(table(one_device(1e6)), HasSubstr("\nrecommended: online: 20.0 h"));
  PlanInput input = one_device(1e10);
  input.epochs = 1;
  EXPECT_EQ(reason(input), "2.00 h (cached f16 2.00 h); a cache saves next to nothing and takes disk");
}

TEST(PlanTable, WarnsOfACodecThatTheConfigDoesNotHave) {
  EXPECT_THAT(reason(one_device(0.5e9)),
              HasSubstr("; see first what int8 costs in accuracy, the config's cached f16 21.0 h"));
}

TEST(PlanTable, NamesTheCachesThatDoNotFit) {
  PlanInput input = one_device(1e10);
  input.capacity_bytes = 2e12;
  EXPECT_THAT(table(input), HasSubstr("\nmore than 2.00 TB: cached f16\n"));
  EXPECT_THAT(reason(input), HasSubstr("the config's cached f16 11.0 h does not fit"));
  input.capacity_bytes = 1e9;
  EXPECT_THAT(reason(input), HasSubstr("no cache of every layer fits into 0.001 TB"));
}

TEST(PlanTable, RepeatsWhereEveryRateComesFrom) {
  PlanInput input = one_device(1e10);
  input.frozen.origin = "from-frozen", input.step.origin = "from-step", input.decode.origin = "from-decode";
  input.storage.origin = "from-storage", input.writing.origin = "from-writing", input.cores_origin = "from-cores";
  const std::string text = table(input), json = plan_json(make_plan(input), input, {"a.ini", "vit_b16"}).dump();
  for (const char* part : {"frozen", "step", "decode", "storage", "writing", "cores"}) {
    EXPECT_THAT(text, HasSubstr(std::string("from-") + part));
    EXPECT_THAT(json, HasSubstr(std::string("from-") + part));
  }
}

TEST(PlanJson, HoldsEveryModeAndTheRecommendation) {
  const PlanInput input = one_device(1e6);
  const nlohmann::json json = plan_json(make_plan(input), input, {"a.ini", "vit_b16"});
  ASSERT_EQ(json["modes"].size(), 5u);
  EXPECT_EQ(json["modes"][0]["cache_bytes"], 3.6e12);
  EXPECT_TRUE(json["modes"][0]["break_even_epochs"].is_null());
  EXPECT_EQ(json["recommended"]["mode"], "online");
  EXPECT_TRUE(json["recommended"]["codec"].is_null());
}

}  // namespace
}  // namespace permafrost::launch
