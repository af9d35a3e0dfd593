#include "launch/demo/render_demo.h"

#include <gtest/gtest.h>
#include <malloc.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <set>
#include <sstream>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "data/video/decoder.h"
#include "tests/temporary_directory.h"

namespace permafrost::launch {
namespace {

namespace fs = std::filesystem;

DemoOptions small_demo(const std::string& out) {
  DemoOptions options;
  options.out = out;
  options.train_clips_per_class = 2;
  options.validation_clips_per_class = 1;
  options.clip = {.side = 32, .frames = 8};
  options.encoder.train_images = 32;
  options.encoder.held_out_images = 8;
  options.encoder.steps = 2;
  options.encoder.batch = 8;
  return options;
}

// Every file below `folder` by its relative path, as checksum and time of its last change.
std::map<std::string, std::string> contents(const std::string& folder, bool with_times = false) {
  std::map<std::string, std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    std::string& value = files[fs::relative(entry.path(), folder).string()];
    value = core::sha256_of_file(entry.path().string());
    if (with_times) value += " " + std::to_string(entry.last_write_time().time_since_epoch().count());
  }
  return files;
}

std::vector<std::vector<std::string>> read_list(const std::string& path) {
  std::istringstream text(core::read_text(path));
  std::vector<std::vector<std::string>> rows;
  for (std::string line; std::getline(text, line);) {
    std::istringstream cells(line);
    rows.emplace_back();
    for (std::string cell; std::getline(cells, cell, ',');) rows.back().push_back(cell);
  }
  return rows;
}

class RenderedDemo : public ::testing::Test {
 protected:
  RenderedDemo() : out_(folder_.path() + "/demo") { run_demo(small_demo(out_)); }
  testing::TemporaryDirectory folder_;
  std::string out_;
};

TEST_F(RenderedDemo, ListsEveryClassEquallyOftenInEachSplit) {
  const auto rows = read_list(out_ + "/videos/list.csv");
  EXPECT_EQ(rows.front(), (std::vector<std::string>{"label", "youtube_id", "time_start", "time_end", "split"}));
  std::map<std::string, int> count;
  std::set<std::string> ids;
  for (size_t i = 1; i < rows.size(); ++i) {
    ASSERT_EQ(rows[i].size(), 5u);
    ++count[rows[i][4] + " " + rows[i][0]];
    ids.insert(rows[i][1]);
    EXPECT_EQ(rows[i][1].size(), 11u);
    EXPECT_TRUE(fs::exists(out_ + "/videos/" + rows[i][1] + "_000000_000001.mp4")) << rows[i][1];
  }
  EXPECT_EQ(ids.size(), 3u * kDemoClasses);
  for (const std::string& name : class_names()) {
    EXPECT_EQ(count["train " + name], 2) << name;
    EXPECT_EQ(count["val " + name], 1) << name;
  }
}

TEST_F(RenderedDemo, IsRealVideo) {
  const data::VideoInfo info = data::probe_video(out_ + "/videos/demo-v00015_000000_000001.mp4", {}, true);
  EXPECT_EQ(info.codec, "h264");
  EXPECT_EQ(info.frames, 8);
  EXPECT_EQ(info.width, 32);
}

TEST_F(RenderedDemo, IsLeftAloneWhenComplete) {
  const auto before = contents(out_, true);
  DemoOptions options = small_demo(out_);
  options.threads = 1;
  run_demo(options);
  EXPECT_EQ(contents(out_, true), before);
}

TEST_F(RenderedDemo, IsCompletedToTheSameBytesAfterAnInterruption) {
  const auto before = contents(out_);
  std::string record = core::read_text(out_ + "/demo.json");
  record.replace(record.find("true"), 4, "false");
  core::publish_text(out_ + "/demo.json", record);
  fs::remove(out_ + "/videos/demo-t00003_000000_000001.mp4");
  fs::remove(out_ + "/videos/list.csv");
  fs::remove(out_ + "/encoder/config.json");
  std::ofstream(out_ + "/videos/demo-t00003_000000_000001.mp4.partial-host-1") << "half a clip";
  run_demo(small_demo(out_));
  EXPECT_EQ(contents(out_), before);
}

TEST_F(RenderedDemo, IsRepairedWhenAClipWasRemoved) {
  const auto before = contents(out_);
  fs::remove(out_ + "/videos/demo-v00000_000000_000001.mp4");
  run_demo(small_demo(out_));
  EXPECT_EQ(contents(out_), before);
}

TEST_F(RenderedDemo, IsNotMixedWithAnother) {
  const auto before = contents(out_, true);
  DemoOptions options = small_demo(out_);
  options.seed = 5;
  try {
    run_demo(options);
    FAIL() << "expected a ConfigError";
  } catch (const core::ConfigError& error) {
    EXPECT_NE(std::string(error.what()).find("/seed: 0, wanted 5"), std::string::npos) << error.what();
    EXPECT_NE(std::string(error.what()).find(out_), std::string::npos) << error.what();
  }
  EXPECT_EQ(contents(out_, true), before);
}

TEST_F(RenderedDemo, RefusesARecordThatIsNone) {
  core::publish_text(out_ + "/demo.json", "{}");
  EXPECT_THROW(run_demo(small_demo(out_)), core::DataError);
}

TEST(Demo, RefusesOptionsThatMakeNoData) {
  const testing::TemporaryDirectory folder;
  DemoOptions options = small_demo(folder.path() + "/demo");
  options.train_clips_per_class = 0;
  EXPECT_THROW(run_demo(options), core::ConfigError);
  options = small_demo("");
  EXPECT_THROW(run_demo(options), core::ConfigError);
  EXPECT_FALSE(fs::exists(folder.path() + "/demo"));
}

TEST(Demo, StopsAtAClipItCannotWrite) {
  const testing::TemporaryDirectory folder;
  const std::string blocked = folder.path() + "/demo/videos/demo-t00007_000000_000001.mp4";
  fs::create_directories(blocked + "/in the way");
  EXPECT_THROW(run_demo(small_demo(folder.path() + "/demo")), core::IoError);
  EXPECT_NE(core::read_text(folder.path() + "/demo/demo.json").find("\"complete\": false"), std::string::npos);
}

TEST(Demo, WritesTheSameBytesWhateverTheNumberOfThreads) {
  const testing::TemporaryDirectory folder;
  DemoOptions options = small_demo(folder.path() + "/a");
  options.threads = 1;
  run_demo(options);
  options.out = folder.path() + "/b";
  options.threads = 3;
  ::mallopt(M_PERTURB, 0x55);  // fresh memory is never what it was: bytes that hang on it show
  run_demo(options);
  ::mallopt(M_PERTURB, 0);
  EXPECT_EQ(contents(folder.path() + "/a/videos"), contents(folder.path() + "/b/videos"));
}

}  // namespace
}  // namespace permafrost::launch
