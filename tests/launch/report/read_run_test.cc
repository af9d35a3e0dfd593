#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "core/base/error.h"
#include "core/base/file.h"
#include "data/dataset/manifest.h"
#include "tests/launch/report/run_folder.h"

namespace permafrost::launch {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;

// The text of the DataError that reading `folder` ends in.
std::string complaint(const RunFolder& folder) {
  try {
    read_run(folder.options());
  } catch (const core::DataError& error) {
    return error.what();
  }
  return "no DataError";
}

std::vector<int64_t> steps_of(const RunSummary& run) {
  std::vector<int64_t> steps;
  for (const StepMetrics& step : run.steps) steps.push_back(step.step);
  return steps;
}

TEST(ReadRun, GivesWhatWasLogged) {
  RunFolder folder;
  folder.write("metrics.jsonl", lines({step_line(10, 2.5)}));
  RunSummary run = read_run(folder.options());
  ASSERT_EQ(run.steps.size(), 1u);
  EXPECT_EQ(run.steps[0].step, 10);
  EXPECT_EQ(run.steps[0].loss, 2.5);
  EXPECT_EQ(run.steps[0].data_ms, 5);
  EXPECT_EQ(run.steps[0].memory_bytes, 1 << 30);
  EXPECT_EQ(run.steps[0].time, "2026-01-01T00:00:00Z");
}

TEST(ReadRun, CountsAStepThatWasLoggedTwiceOnce) {
  RunFolder folder;
  folder.write("metrics.jsonl", lines({step_line(1, 3), step_line(2, 2), step_line(2, 1.5), step_line(3, 1)}));
  RunSummary run = read_run(folder.options());
  EXPECT_EQ(steps_of(run), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(run.steps[1].loss, 1.5);
  EXPECT_EQ(run.repeated_steps, 1);
}

TEST(ReadRun, DropsWhatAResumeThrewBack) {
  RunFolder folder;
  Json resumed{{"event", "resumed"}, {"step", 2}, {"checkpoint", "checkpoints/2"}};
  folder.write("metrics.jsonl",
               lines({step_line(1, 5), step_line(2, 4), step_line(3, 3), step_line(4, 2), resumed, step_line(3, 9)}));
  RunSummary run = read_run(folder.options());
  EXPECT_EQ(steps_of(run), (std::vector<int64_t>{1, 2, 3}));
  EXPECT_EQ(run.steps[2].loss, 9);
  EXPECT_EQ(run.repeated_steps, 2);
  ASSERT_EQ(run.events.size(), 1u);
  EXPECT_EQ(run.events[0].checkpoint, "checkpoints/2");
}

TEST(ReadRun, PassesOverLinesThatAKillCutShort) {
  RunFolder folder;
  folder.write("metrics.jsonl", step_line(1, 3).dump() + "\n{\"step\": 2, \"lo\n" + step_line(2, 2).dump() + "\n{\"st");
  RunSummary run = read_run(folder.options());
  EXPECT_EQ(steps_of(run), (std::vector<int64_t>{1, 2}));
  EXPECT_EQ(run.cut_lines, 2);
}

TEST(ReadRun, NamesFileAndLineOfABrokenLine) {
  for (const std::string broken : {"{\"step\": 2,, \"loss\": 1}", "", "[1]", "17", "{\"step\": 1e999, \"loss\": 1}"}) {
    RunFolder folder;
    folder.write("metrics.jsonl", step_line(1, 3).dump() + "\n" + broken + "\n" + step_line(3, 3).dump() + "\n");
    EXPECT_THAT(complaint(folder), HasSubstr(folder.path("metrics.jsonl") + ":2: expected")) << broken;
  }
}

TEST(ReadRun, NamesTheFieldThatIsMissingOrOfAnotherType) {
  RunFolder folder;
  folder.write("metrics.jsonl", lines({Json{{"step", 1}}}));
  EXPECT_THAT(complaint(folder), HasSubstr("metrics.jsonl:1: loss: expected a number, found nothing"));
  folder.write("metrics.jsonl", lines({Json{{"step", -1}, {"loss", 1}}}));
  EXPECT_THAT(complaint(folder), HasSubstr("step: expected a whole number from 0, found -1"));
  folder.write("metrics.jsonl", lines({Json{{"step", 1}, {"loss", "1"}}}));
  EXPECT_THAT(complaint(folder), HasSubstr("loss: expected a number, found a string"));
}

TEST(ReadRun, TakesNullForALossThatWasNotFinite) {
  RunFolder folder;
  folder.write("metrics.jsonl", lines({Json{{"step", 1}, {"loss", nullptr}}}));
  EXPECT_TRUE(std::isnan(read_run(folder.options()).steps.at(0).loss));
}

TEST(ReadRun, LeavesOutWhatIsNotThere) {
  RunFolder folder;
  folder.write("status.json", Json{{"state", "stopped"}, {"step", 7}, {"steps", 9}});
  RunSummary run = read_run(folder.options());
  ASSERT_TRUE(run.status);
  EXPECT_EQ(run.status->step, 7);
  EXPECT_TRUE(run.steps.empty());
  EXPECT_TRUE(run.config.empty());
  EXPECT_FALSE(run.evaluation || run.shuffled || run.probe || run.cache || run.manifest);
}

TEST(ReadRun, NamesTheRunByTheLastTwoPartsOfItsPath) {
  RunFolder folder;
  folder.write("status.json", Json{{"state", "done"}, {"step", 7}, {"steps", 7}});
  ReportOptions options = folder.options();
  std::string parent = options.run_directory.substr(0, options.run_directory.rfind('/'));
  std::string expected = parent.substr(parent.rfind('/') + 1) + "/run";
  for (const char* end : {"", "/", "/.", "/../run//"}) {
    ReportOptions other = options;
    other.run_directory += end;
    EXPECT_EQ(read_run(other).name, expected) << end;
  }
}

TEST(ReadRun, RefusesADirectoryWithoutARun) {
  RunFolder folder;
  EXPECT_THAT(complaint(folder), AllOf(HasSubstr(folder.options().run_directory), HasSubstr("found none")));
}

TEST(ReadRun, RefusesAFileThatCannotBeUnderstood) {
  for (const char* name :
       {"status.json", "config.json", "environment.json", "eval.json", "eval_shuffled.json", "probe.json"}) {
    for (const char* text : {"", "{", "3", "null"}) {
      RunFolder folder;
      folder.write(name, std::string(text));
      EXPECT_THAT(complaint(folder), HasSubstr(folder.path(name) + ": expected")) << name << " with " << text;
    }
  }
}

TEST(ReadRun, RefusesAnUnknownState) {
  RunFolder folder;
  folder.write("status.json", Json{{"state", "asleep"}, {"step", 7}, {"steps", 9}});
  EXPECT_THAT(complaint(folder), HasSubstr("state: expected running, done, stopped or failed, found 'asleep'"));
}

TEST(ReadRun, RefusesAConfusionThatIsNoSquareOfTheClasses) {
  RunFolder folder;
  Json eval = evaluation(3, 4, "natural");
  eval["confusion"].erase(2);
  folder.write("eval.json", eval);
  EXPECT_THAT(complaint(folder), HasSubstr("confusion: expected 3 rows of 3 counts, found 2 rows"));
  eval = evaluation(3, 4, "natural");
  eval["confusion"][1][2] = -1;
  folder.write("eval.json", eval);
  EXPECT_THAT(complaint(folder), HasSubstr("found -1 in row 2"));
  eval["confusion"][1] = {1, 2};
  folder.write("eval.json", eval);
  EXPECT_THAT(complaint(folder), HasSubstr("found 2 counts in row 2"));
}

TEST(ReadRun, RefusesAnAccuracyBeyondOne) {
  RunFolder folder;
  Json eval = evaluation(3, 4, "natural");
  eval["top1"] = 95.0;
  folder.write("eval.json", eval);
  EXPECT_THAT(complaint(folder), HasSubstr("top1: expected a fraction from 0 to 1, found 95.0"));
}

TEST(ReadRun, RefusesAnEvaluationOfTheOtherFrameOrder) {
  RunFolder folder;
  folder.write("eval.json", evaluation(3, 4, "shuffled"));
  EXPECT_THAT(complaint(folder), HasSubstr("frame_order: expected natural, found 'shuffled'"));
}

TEST(ReadRun, CountsTheCache) {
  RunFolder folder;
  folder.write("status.json", Json{{"state", "done"}, {"step", 7}, {"steps", 7}});
  folder.write_index(
      {{"key", {{"codec", "int8"}}}, {"totals", {{"shards", 2}, {"bytes", 2000}, {"records", 128}, {"rejected", 1}}}});
  RunSummary run = read_run(folder.options());
  ASSERT_TRUE(run.cache);
  EXPECT_EQ(run.cache->shards, 2);
  EXPECT_EQ(run.cache->bytes, 2000);
  EXPECT_EQ(run.cache->records, 128);
  EXPECT_EQ(run.cache->failed_videos, 1);
  EXPECT_EQ(run.cache->codec, "int8");
}

TEST(ReadRun, RefusesACacheOrManifestThatWasNamedAndIsNotThere) {
  RunFolder folder;
  folder.write("status.json", Json{{"state", "done"}, {"step", 7}, {"steps", 7}});
  ReportOptions options = folder.options();
  options.cache_directory = "no/cache";
  EXPECT_THROW(read_run(options), core::IoError);
  options = folder.options();
  options.manifest_path = "no/manifest.jsonl";
  EXPECT_THROW(read_run(options), core::IoError);
}

data::ManifestEntry entry(const std::string& id, const std::string& split, const std::string& reason = "") {
  return {.id = id,
          .path = id + ".mp4",
          .bytes = 1,
          .duration_seconds = 1800,
          .frames = 1,
          .width = 1,
          .height = 1,
          .label = "a",
          .split = split,
          .status = reason.empty() ? "ok" : "rejected",
          .reason = reason};
}

TEST(ReadRun, CountsTheManifest) {
  RunFolder folder;
  folder.write("status.json", Json{{"state", "done"}, {"step", 7}, {"steps", 7}});
  data::write_manifest(folder.manifest(), {".",
                                           data::LabelMap({"a", "b"}),
                                           {entry("1", "train"), entry("2", "val"), entry("3", "train"),
                                            entry("4", "train", "no video stream: x"),
                                            entry("5", "val", "truncated: x"), entry("6", "val", "truncated: y")}});
  RunSummary run = read_run(folder.options());
  ASSERT_TRUE(run.manifest);
  EXPECT_EQ(run.manifest->videos, 6);
  EXPECT_EQ(run.manifest->labels, 2);
  EXPECT_EQ(run.manifest->seconds, 5400);
  ASSERT_EQ(run.manifest->splits.size(), 2u);
  EXPECT_EQ(run.manifest->splits[0].name, "train");
  EXPECT_EQ(run.manifest->splits[0].count, 2);
  ASSERT_EQ(run.manifest->rejections.size(), 2u);
  EXPECT_EQ(run.manifest->rejections[0].name, "truncated");
  EXPECT_EQ(run.manifest->rejections[0].count, 2);
}

TEST(ReadRun, RefusesAManifestThatIsNotWhole) {
  RunFolder folder;
  folder.write("status.json", Json{{"state", "done"}, {"step", 7}, {"steps", 7}});
  data::write_manifest(folder.manifest(), {".", data::LabelMap({"a"}), {entry("1", "train"), entry("2", "val")}});
  const std::string whole = core::read_text(folder.manifest());
  folder.write_manifest(whole.substr(0, whole.size() - 30));
  EXPECT_THAT(complaint(folder), HasSubstr("manifest.jsonl:3: "));
  folder.write_manifest("");
  EXPECT_THAT(complaint(folder), HasSubstr("found an empty file"));
}

}  // namespace
}  // namespace permafrost::launch
