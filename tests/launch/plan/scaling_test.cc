#include "launch/plan/scaling.h"

#include <gmock/gmock.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "launch/plan/scaling_input.h"
#include "launch/plan/scaling_table.h"
#include "tests/temporary_directory.h"

namespace permafrost::launch {
namespace {

using ::testing::HasSubstr;

constexpr double kBytes = 8e6;

// 1 GB/s without latency between nodes of one rank.
Interconnect plain() { return {.between = {1e9, 0}, .within = {1e10, 0}}; }

ScalingInput one_second() { return {.compute_seconds = 1, .origin = "a test", .clips = 8, .interconnect = plain()}; }

TEST(Scaling, HalvingAndDoublingSendsLessThanTwiceTheBytes) {
  EXPECT_EQ(all_reduce_seconds(kBytes, 1, plain()), 0);
  EXPECT_DOUBLE_EQ(all_reduce_seconds(kBytes, 2, plain()), kBytes / 1e9);
  EXPECT_DOUBLE_EQ(all_reduce_seconds(kBytes, 4, plain()), 1.5 * kBytes / 1e9);
  EXPECT_DOUBLE_EQ(all_reduce_seconds(kBytes, 1024, plain()), 2 * 1023.0 / 1024 * kBytes / 1e9);
  EXPECT_DOUBLE_EQ(all_reduce_seconds(kBytes, 3, plain()), 3 * kBytes / 1e9);  // to two ranks and back: twice
}

TEST(Scaling, EveryExchangePaysTheLatency) {
  Interconnect slow = plain();
  slow.between.latency_seconds = 1e-3;
  EXPECT_NEAR(all_reduce_seconds(0, 2, slow), 2e-3, 1e-12);
  EXPECT_NEAR(all_reduce_seconds(0, 1024, slow), 20e-3, 1e-12);
}

TEST(Scaling, RanksOfANodeShareItsLink) {
  Interconnect pairs = plain();
  pairs.ranks_per_node = 2;
  // Half of the bytes within the node and back, then a quarter of each of the two ranks over its link and back.
  EXPECT_DOUBLE_EQ(all_reduce_seconds(kBytes, 4, pairs), kBytes / 1e10 + kBytes / 1e9);
  EXPECT_DOUBLE_EQ(all_reduce_seconds(kBytes, 2, pairs), kBytes / 1e10);
}

TEST(Scaling, NcclTakesTheRingForMuchAndTheTreeForLittle) {
  Interconnect gpus{.between = {1e9, 1e-5}, .within = {1e11, 1e-6}, .ranks_per_node = 1, .is_nccl = true};
  EXPECT_NEAR(all_reduce_seconds(1e9, 8, gpus), 2 * 7.0 / 8, 1e-3);
  EXPECT_NEAR(all_reduce_seconds(8, 1024, gpus), 2 * 10 * 1e-5, 1e-6);  // not 2046 hops
}

TEST(Scaling, WhatIsReducedBesideBackwardIsNotExposed) {
  ScalingInput input = one_second();
  input.interconnect.is_nccl = true;  // no cost to the host
  input.buckets = {{100'000'000, 0.5}, {10'000'000, 0.9}};
  const ScalingRow row = reckon_scaling(input, {2})[0];
  EXPECT_NEAR(row.exposed_seconds, 0.01, 1e-9);  // the last one's 10 ms
  EXPECT_NEAR(row.reduction_seconds, 0.11, 1e-9);
  EXPECT_NEAR(row.hidden(), 10.0 / 11, 1e-9);
  EXPECT_NEAR(row.step_seconds, 1.01, 1e-9);
  EXPECT_NEAR(row.clips_per_second, 16 / 1.01, 1e-6);
}

TEST(Scaling, ABucketWaitsForTheOneBeforeIt) {
  ScalingInput input = one_second();
  input.interconnect.is_nccl = true;
  input.buckets = {{400'000'000, 0.7}, {10'000'000, 0.9}};
  EXPECT_NEAR(reckon_scaling(input, {2})[0].exposed_seconds, 0.7 + 0.4 + 0.01 - 0.9, 1e-9);
}

TEST(Scaling, TheSlowestRankHoldsUpTheOthers) {
  EXPECT_EQ(expected_maximum(1), 0);
  EXPECT_NEAR(expected_maximum(2), 0.5642, 0.03);  // 1 / sqrt(pi)
  EXPECT_NEAR(expected_maximum(100), 2.5076, 0.02);
  ScalingInput input = one_second();
  input.spread = 0.1;
  EXPECT_NEAR(reckon_scaling(input, {100})[0].efficiency, 1 / (1 + 0.1 * expected_maximum(100)), 1e-9);
}

TEST(Scaling, TheHostOfAReductionIsPaidByTheComputeThreads) {
  ScalingInput input = one_second();
  input.buckets = {{100'000'000, 0.5}};
  EXPECT_GT(reckon_scaling(input, {2})[0].compute_seconds, 1.05);
  EXPECT_EQ(reckon_scaling(input, {1})[0].step_seconds, 1);
  input.threads = 1000;
  EXPECT_LT(reckon_scaling(input, {2})[0].compute_seconds, 1.001);
}

TEST(Scaling, TellsEveryNumberOfRanksAndWhereComputeComesFrom) {
  const ScalingInput input = one_second();
  const std::string table = scaling_table(input, reckon_scaling(input, {1, 2}));
  EXPECT_THAT(table, HasSubstr("1000 ms a step of 8.00 clips on one rank (a test)"));
  EXPECT_THAT(table, HasSubstr("\n    2      2  1000"));
  EXPECT_EQ(scaling_json(input, reckon_scaling(input, {1, 2}))["scaling"][1]["ranks"], 2);
}

class RunWithMetrics : public ::testing::Test {
 protected:
  void write(const std::string& name, const std::string& text) {
    core::publish_text(directory_.path() + "/" + name, text);
  }
  static std::string line(double compute_ms, double launched_ms) {
    return R"({"step":1,"ranks":2,"data_ms":0,"communication_ms":25,"samples_per_second":128,"slowest_over_mean":1.1,"compute_ms":)" +
           std::to_string(compute_ms) + R"(,"buckets":[{"bytes":1000,"done_ms":9,"launched_ms":)" +
           std::to_string(launched_ms) + "}]}\n";
  }
  ScalingInput read() {
    return scaling_of_run(settings_, directory_.path(), []() -> core::DistConfig { throw core::ConfigError("asked"); });
  }

  Settings settings_;
  permafrost::testing::TemporaryDirectory directory_;
};

TEST_F(RunWithMetrics, GivesMediansOfAllLinesButTheFirst) {
  // Its ranks are those of another start, that found nothing left to do: the lines know.
  write("environment.json", R"({"ranks": 5, "threads_per_rank": 3, "device": "cpu"})");
  write("metrics.jsonl", line(900, 90) + "{\"event\":\"skipped\"}\n" + line(100, 5) + line(100, 6) + line(400, 7));
  const ScalingInput input = read();
  EXPECT_NEAR(input.compute_seconds, 0.1, 1e-4);
  EXPECT_EQ(input.clips, 8);  // of 128 clips a second, in 125 ms, on two ranks
  EXPECT_EQ(input.threads, 3);
  EXPECT_NEAR(input.spread, 0.1 / expected_maximum(2), 1e-9);
  ASSERT_EQ(input.buckets.size(), 1);
  EXPECT_EQ(input.buckets[0].bytes, 1000);
  EXPECT_NEAR(input.buckets[0].launched, 0.006, 1e-9);
}

TEST_F(RunWithMetrics, OfOneRankAsksForTheNetwork) {
  write("environment.json", R"({"ranks": 1, "threads_per_rank": 1, "device": "cpu"})");
  write("metrics.jsonl",
        "{\"ranks\":1,\"data_ms\":0,\"communication_ms\":0,\"samples_per_second\":8,\"compute_ms\":1000,\"buckets\":[]}"
        "\n");
  EXPECT_THROW(read(), core::ConfigError);
}

TEST_F(RunWithMetrics, WithoutLinesOfStepsIsRefused) {
  write("environment.json", R"({"ranks": 2, "threads_per_rank": 1})");
  write("metrics.jsonl", "{\"event\":\"skipped\"}\n");
  EXPECT_THROW(read(), core::DataError);
  write("metrics.jsonl", "garbage\n");
  EXPECT_THROW(read(), core::DataError);
}

TEST(ScalingOfAPlan, LaunchesBucketsEvenlyByTheirBytesUntilBackwardEnds) {
  core::DistConfig network;
  network.layers = 4;
  PlanInput plan;
  plan.step.per_second = 4;
  plan.memory.clips = 8;
  const ScalingInput input = scaling_of_plan(Settings(), plan, network);
  EXPECT_EQ(input.compute_seconds, 2);
  ASSERT_GT(input.buckets.size(), 2);
  EXPECT_LT(input.buckets[0].launched, input.buckets[1].launched);
  EXPECT_NEAR(input.buckets.back().launched, 2 * 2.0 / 3, 1e-9);
}

}  // namespace
}  // namespace permafrost::launch
