#include "launch/plan/plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>

namespace permafrost::launch {
namespace {

constexpr double kGiga = 1e9;

// Two nodes of four devices whose storage is the bottleneck of f16 and not of int8.
PlanInput small() {
  PlanInput input{.nodes = 2, .devices_per_node = 4, .cores_per_node = 32};
  input.train_videos = 1000, input.eval_videos = 100;
  input.train_views = 2, input.eval_views = 3;
  input.epochs = 10;
  input.codecs = {{.codec = "f16", .record_bytes = 400e6, .mixed_record_bytes = 200e6},
                  {.codec = "int8", .record_bytes = 200e6, .mixed_record_bytes = 100e6}};
  input.codec = "int8";
  input.frozen.per_second = 5, input.step.per_second = 10;
  input.decode.per_second = 4;
  input.storage.per_second = 10 * kGiga, input.writing.per_second = 10 * kGiga;
  return input;
}

const ModePlan& found(const Plan& plan, Mode mode, const std::string& codec) {
  return *std::find_if(plan.modes.begin(), plan.modes.end(),
                       [&](const ModePlan& one) { return one.mode == mode && one.codec == codec; });
}

TEST(Plan, EpochsFollowTheSlowestPart) {
  const Plan plan = make_plan(small());
  EXPECT_EQ(plan.records(), 2 * 1000 + 3 * 100);
  // 8 devices do 80 clips/s; 2 nodes read 20 GB/s: 50 clips/s of 400 MB, 100 of 200 MB.
  const ModePlan& f16 = found(plan, Mode::kCached, "f16");
  EXPECT_DOUBLE_EQ(f16.clips_per_second, 50);
  EXPECT_DOUBLE_EQ(f16.epoch_seconds, 20);
  EXPECT_EQ(f16.limit, Limit::kStorage);
  EXPECT_DOUBLE_EQ(f16.needed_bytes_per_second, 16 * kGiga);  // 4 devices * 10 clips/s * 400 MB
  const ModePlan& int8 = found(plan, Mode::kCached, "int8");
  EXPECT_DOUBLE_EQ(int8.epoch_seconds, 12.5);
  EXPECT_EQ(int8.limit, Limit::kDevices);
  // Mixed: 0.5 / 5 + 1 / 10 = 0.2 s; online: 1 / 5 + 1 / 10 = 0.3 s.
  EXPECT_DOUBLE_EQ(found(plan, Mode::kMixed, "f16").epoch_seconds, 25);
  EXPECT_DOUBLE_EQ(plan.online().epoch_seconds, 37.5);
  EXPECT_EQ(plan.online().limit, Limit::kDevices);
}

TEST(Plan, BuildsWaitForTheSlowestPart) {
  PlanInput input = small();
  // 2300 records at 40 clips/s of the frozen forward; 1100 videos at 256 clips/s; 0.92 TB at 20 GB/s.
  EXPECT_DOUBLE_EQ(found(make_plan(input), Mode::kCached, "f16").build_seconds, 57.5);
  EXPECT_EQ(found(make_plan(input), Mode::kCached, "f16").build_limit, Limit::kDevices);
  input.writing.per_second = 2 * kGiga;
  EXPECT_DOUBLE_EQ(found(make_plan(input), Mode::kCached, "f16").build_seconds, 230);
  EXPECT_EQ(found(make_plan(input), Mode::kCached, "f16").build_limit, Limit::kStorage);
  input.decode.per_second = 0.0625;
  EXPECT_DOUBLE_EQ(found(make_plan(input), Mode::kCached, "int8").build_seconds, 275);
  EXPECT_EQ(found(make_plan(input), Mode::kCached, "int8").build_limit, Limit::kDecoding);
  EXPECT_DOUBLE_EQ(make_plan(input).online().epoch_seconds, 250);  // 4 clips/s are decoded
  EXPECT_EQ(make_plan(input).online().limit, Limit::kDecoding);
}

// Epoch after epoch, beside one another.
std::optional<int64_t> simulated_break_even(double build, double cached, double online) {
  double with_cache = build, without = 0;
  for (int64_t epoch = 1; epoch <= 100000; ++epoch) {
    with_cache += cached;
    without += online;
    if (with_cache <= without) return epoch;
  }
  return std::nullopt;
}

TEST(Plan, BreaksEvenWhereASimulationOfTheEpochsDoes) {
  for (const double build : {0.25, 1.0, 7.5, 64.0, 1000.0}) {
    for (const double cached : {0.5, 1.0, 2.0, 3.25}) {
      for (const double online : {0.5, 1.5, 3.0, 3.375}) {
        EXPECT_EQ(break_even(build, cached, online), simulated_break_even(build, cached, online))
            << build << " " << cached << " " << online;
      }
    }
  }
}

TEST(Plan, NeverBreaksEvenWhereACachedEpochIsNoFaster) {
  EXPECT_EQ(break_even(1, 2, 2), std::nullopt);
  EXPECT_EQ(break_even(1, 3, 2), std::nullopt);
  EXPECT_EQ(break_even(1e9, 1, 1 + 1e-12), std::nullopt);  // nobody trains that long
}

TEST(Plan, FasterStorageNeverMakesAnythingSlower) {
  Plan before = make_plan(small());
  for (PlanInput input = small(); input.storage.per_second < 1e13; input.storage.per_second *= 1.7) {
    const Plan plan = make_plan(input);
    for (size_t i = 0; i < plan.modes.size(); ++i) {
      EXPECT_LE(plan.modes[i].epoch_seconds, before.modes[i].epoch_seconds);
      EXPECT_LE(plan.modes[i].total_seconds, before.modes[i].total_seconds);
    }
    before = plan;
  }
}

TEST(Plan, SlowStorageIsWhatAnEpochTakes) {
  PlanInput input = small();
  input.storage.per_second = 1e6;
  const Plan slow = make_plan(input);
  input.storage.per_second = 2e6;
  const Plan twice = make_plan(input);
  for (size_t i = 0; i + 1 < slow.modes.size(); ++i) {
    EXPECT_DOUBLE_EQ(slow.modes[i].epoch_seconds, 2 * twice.modes[i].epoch_seconds);
    EXPECT_EQ(slow.modes[i].break_even_epochs, std::nullopt);
  }
  EXPECT_EQ(slow.best().mode, Mode::kOnline);
}

TEST(Plan, NoCachedEpochIsSlowerThanOnlineWhereStorageIsInfinite) {
  PlanInput input = small();
  input.storage.per_second = std::numeric_limits<double>::infinity();
  for (const double frozen : {0.01, 1.0, 1e6}) {
    for (const double decode : {1e-3, 1e3}) {
      input.frozen.per_second = frozen;
      input.decode.per_second = decode;
      const Plan plan = make_plan(input);
      for (const ModePlan& mode : plan.modes) EXPECT_LE(mode.epoch_seconds, plan.online().epoch_seconds);
      EXPECT_LE(found(plan, Mode::kCached, "f16").epoch_seconds, found(plan, Mode::kMixed, "f16").epoch_seconds);
    }
  }
}

TEST(Plan, RecommendsWhatTakesTheFewestHours) {
  PlanInput input = small();
  EXPECT_EQ(make_plan(input).best().mode, Mode::kCached);
  EXPECT_EQ(make_plan(input).best().codec, "int8");
  input.epochs = 1;  // 57.5 s of building for 12.5 s instead of 37.5 s
  EXPECT_EQ(make_plan(input).best().mode, Mode::kOnline);
}

TEST(Plan, AmongEqualsKeepsTheCodecOfTheConfig) {
  PlanInput input = small();
  input.storage.per_second = input.writing.per_second = 1e15;
  for (const char* codec : {"f16", "int8"}) {
    input.codec = codec;
    EXPECT_EQ(make_plan(input).best().codec, codec);
  }
  input.codec = "another";
  EXPECT_EQ(make_plan(input).best().codec, "int8");  // the smaller
}

TEST(Plan, RecommendsNoCacheThatDoesNotFit) {
  PlanInput input = small();
  input.capacity_bytes = 0.47e12;  // 2300 records of 200 MB fit, of 400 MB do not
  EXPECT_FALSE(found(make_plan(input), Mode::kCached, "f16").fits);
  EXPECT_EQ(make_plan(input).best().codec, "int8");
  input.capacity_bytes = 1;
  EXPECT_EQ(make_plan(input).best().mode, Mode::kOnline);
  EXPECT_EQ(make_plan(input).modes[make_plan(input).recommended_cached].mode, Mode::kOnline);
}

}  // namespace
}  // namespace permafrost::launch
