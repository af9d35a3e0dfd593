#include "launch/plan/rates.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"

namespace permafrost::launch {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

std::string complaint(const std::string& text) {
  try {
    parse_rates(text, "rates.jsonl", "vit_l14");
  } catch (const core::DataError& error) {
    return error.what();
  }
  return "";
}

TEST(PlanRates, ADecodeLineIsSharedByItsCores) {
  const MeasuredRates rates = parse_rates(
      R"({"bench":"decode","per_second":48.0,"unit":"clips","threads":4,"decoder_threads":2,"frames":16})", "r", "any");
  EXPECT_DOUBLE_EQ(rates.decode->per_second, 6);
  EXPECT_EQ(rates.decode->origin, "r:1 (bench decode, 16 frames)");
}

TEST(PlanRates, TheLastLineOfAKindCountsAndOthersDoNot) {
  const MeasuredRates rates = parse_rates(
      "{\"bench\":\"vit\",\"per_second\":10,\"unit\":\"frames\"}\n"
      "{\"bench\":\"gemm\",\"per_second\":1,\"unit\":\"FLOP\"}\n"
      "{\"bench\":\"vit\",\"per_second\":20,\"unit\":\"frames\",\"encoder\":\"vit_l14\"}\n"
      "{\"bench\":\"train-step\",\"per_second\":3,\"unit\":\"clips\",\"features\":\"cached\"}\n"
      "{\"bench\":\"train-step\",\"per_second\":1,\"unit\":\"clips\",\"features\":\"online\"}\n",
      "r", "vit_l14");
  EXPECT_DOUBLE_EQ(rates.frozen_frames->per_second, 20);
  EXPECT_DOUBLE_EQ(rates.step->per_second, 3);
  EXPECT_FALSE(rates.decode.has_value());
}

TEST(PlanRates, GarbageIsNamedWithItsLine) {
  const std::string fine = "{\"bench\":\"train-step\",\"per_second\":3,\"unit\":\"clips\"}\n";
  EXPECT_THAT(complaint(fine + "garbage \x01"), AllOf(HasSubstr("rates.jsonl:2: expected a line of JSON with bench"),
                                                      HasSubstr("found 'garbage ?'"), HasSubstr("--rates")));
  EXPECT_THAT(complaint("[]"), HasSubstr("rates.jsonl:1: expected a line of JSON"));
  EXPECT_THAT(complaint("{\"bench\":7}"), HasSubstr("expected bench as text"));
  EXPECT_THAT(complaint("{\"bench\":\"train-step\",\"unit\":\"clips\"}"), HasSubstr("expected per_second as a number"));
  for (const char* rate : {"-3", "0", "1e999"}) {
    EXPECT_NE(complaint(std::string("{\"bench\":\"train-step\",\"unit\":\"clips\",\"per_second\":") + rate + "}"), "")
        << rate;
  }
  EXPECT_THAT(complaint("{\"bench\":\"train-step\",\"unit\":\"clips\",\"per_second\":-3}"),
              HasSubstr("above 0, found -3"));
  EXPECT_THAT(complaint("{\"bench\":\"train-step\",\"unit\":\"miles\",\"per_second\":3}"), HasSubstr("found 'miles'"));
  EXPECT_THAT(complaint("{\"bench\":\"decode\",\"unit\":\"clips\",\"per_second\":3,\"threads\":0}"),
              HasSubstr("expected threads as a whole number from 1, found 0"));
  EXPECT_THAT(complaint(""), HasSubstr("expected a line of bench decode, vit or train-step, found none"));
}

TEST(PlanRates, ThoseOfAnotherEncoderAreRefused) {
  EXPECT_THAT(complaint("{\"bench\":\"train-step\",\"unit\":\"clips\",\"per_second\":3,\"encoder\":\"vit_b16\"}"),
              HasSubstr("of encoder \"vit_b16\", expected vit_l14"));
}

}  // namespace
}  // namespace permafrost::launch
