#include "launch/training/run_directory.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/temporary_directory.h"

namespace permafrost::launch {
namespace {

TEST(RunDirectory, AResultAloneTouchesNoMetrics) {
  const testing::TemporaryDirectory directory;
  RunDirectory run(directory / "run");
  run.write("eval.json", {{"top1", 0.5}});
  EXPECT_TRUE(std::filesystem::exists(directory / "run/eval.json"));
  EXPECT_FALSE(std::filesystem::exists(directory / "run/metrics.jsonl"));
}

TEST(RunDirectory, EndsALineThatAKillCutShort) {
  const testing::TemporaryDirectory directory;
  core::publish_text(directory / "metrics.jsonl", "{\"step\": 1, \"lo");
  RunDirectory(directory.path()).log({{"step", 2}});
  const std::string text = core::read_text(directory / "metrics.jsonl");
  EXPECT_EQ(text.rfind("{\"step\": 1, \"lo\n{\"step\":2,", 0), 0u) << text;
}

TEST(RunDirectory, WritesANameThatIsNotUtf8) {
  EXPECT_EQ(json_text({{"video", "caf\xe9.mp4"}}, -1), "{\"video\":\"caf\xef\xbf\xbd.mp4\"}");
}

}  // namespace
}  // namespace permafrost::launch
