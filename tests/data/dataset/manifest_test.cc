#include "data/dataset/manifest.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "data/dataset/scan.h"
#include "tests/data/video/video_files.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using permafrost::testing::make_video;
using permafrost::testing::read_bytes;
using permafrost::testing::TemporaryDirectory;
using permafrost::testing::write_bytes;
using ::testing::HasSubstr;
using ::testing::StartsWith;
using ::testing::ThrowsMessage;

ManifestEntry sound_entry(const std::string& id, const std::string& label) {
  return {.id = id,
          .path = "videos/" + id + ".mp4",
          .bytes = 12345,
          .duration_seconds = 10.01,
          .frames = 250,
          .frames_per_second = 24.975,
          .width = 340,
          .height = 256,
          .label = label,
          .split = "train"};
}

Manifest small_manifest(const std::string& root) {
  Manifest manifest{root, LabelMap({"wave", "jump \"high\""}), {}};
  manifest.entries = {sound_entry("a", "wave"), sound_entry("b", "jump \"high\""), sound_entry("c", "wave")};
  manifest.entries[1].start_seconds = 1.5;
  manifest.entries[1].end_seconds = 9.5;
  manifest.entries[2].status = "rejected";
  manifest.entries[2].reason = "truncated: expected 10 bytes, found 5";
  return manifest;
}

TEST(Manifest, ReadsBackWhatWasWritten) {
  const TemporaryDirectory directory;
  const Manifest written = small_manifest(directory.path());
  write_manifest(directory / "manifest.jsonl", written);
  const Manifest found = read_manifest(directory / "manifest.jsonl");
  EXPECT_EQ(found.labels, written.labels);
  ASSERT_EQ(found.entries.size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    const ManifestEntry& a = found.entries[i];
    const ManifestEntry& b = written.entries[i];
    EXPECT_EQ(std::tie(a.id, a.path, a.bytes, a.duration_seconds, a.frames, a.frames_per_second, a.width, a.height),
              std::tie(b.id, b.path, b.bytes, b.duration_seconds, b.frames, b.frames_per_second, b.width, b.height));
    EXPECT_EQ(std::tie(a.label, a.split, a.status, a.reason, a.start_seconds, a.end_seconds),
              std::tie(b.label, b.split, b.status, b.reason, b.start_seconds, b.end_seconds));
  }
  EXPECT_TRUE(std::filesystem::equivalent(found.root, directory.path()));
}

TEST(Manifest, MovesTogetherWithItsVideos) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory / "before/videos");
  write_manifest(directory / "before/manifest.jsonl", small_manifest(directory / "before/videos"));
  std::filesystem::rename(directory / "before", directory / "after");
  EXPECT_TRUE(
      std::filesystem::equivalent(read_manifest(directory / "after/manifest.jsonl").root, directory / "after/videos"));
}

TEST(Manifest, KeepsTheWholePathOfARootElsewhere) {
  const TemporaryDirectory directory;
  std::filesystem::create_directories(directory / "data");
  std::filesystem::create_directories(directory / "runs");
  write_manifest(directory / "runs/manifest.jsonl", small_manifest(directory / "data"));
  std::filesystem::create_directories(directory / "far/away");
  std::filesystem::rename(directory / "runs/manifest.jsonl", directory / "far/away/manifest.jsonl");
  EXPECT_TRUE(
      std::filesystem::equivalent(read_manifest(directory / "far/away/manifest.jsonl").root, directory / "data"));
}

// Writes a sound manifest with one text replaced by another.
void write_changed(const TemporaryDirectory& directory, const std::string& from, const std::string& to) {
  const std::string path = directory / "manifest.jsonl";
  write_manifest(path, small_manifest(directory.path()));
  std::string text = read_bytes(path);
  const size_t at = text.find(from);
  ASSERT_NE(at, std::string::npos) << from;
  write_bytes(path, text.replace(at, from.size(), to));
}

TEST(Manifest, NamesTheLineAndTheFieldOfEveryError) {
  struct Change {
    const char* from;
    const char* to;
    const char* message;
  };
  const std::vector<Change> changes = {
      {"\"permafrost_manifest\":2", "\"permafrost_manifest\":1", ":1: manifest of version 1"},
      {"\"permafrost_manifest\":2", "\"something\":1", ":1: expected the header"},
      {"[\"wave\"", "[\"vawe\"", ":1: 'labels_sha256'"},
      {"\"entries\":3", "\"entries\":4", ":4: the header promises 4"},
      {"\"entries\":3", "\"entries\":\"3\"", ":1: 'entries'"},
      {"\"bytes\":12345", "\"bytes\":-5", ":2: 'bytes'"},
      {"\"bytes\":12345", "\"bytes\":1.5", ":2: 'bytes'"},
      {"\"bytes\":12345,", "", ":2: the field 'bytes' is missing"},
      {"\"bytes\":12345", "\"bytes\":12345,\"colour\":1", ":2: the field 'colour' is unknown"},
      {"\"bytes\":12345", "\"bytes\":1,\"bytes\":12345", ":2: the field 'bytes' stands there twice"},
      {"\"bytes\":12345", "\"bytes\":[[[[[[[[1]]]]]]]]", ":2: expected one JSON object"},
      {"\"bytes\":12345", "\"bytes\":[1]", ":2: 'bytes'"},
      {"\"bytes\":12345", "\"bytes\":{\"b\":1}", ":2: expected one JSON object"},
      {"\n{\"id\":\"b\"", "\n\n{\"id\":\"b\"", ":3: expected one JSON object"},
      {"\n{\"id\":\"b\"", "\r\n{\"id\":\"b\"", ": its videos are not those"},
      {"\"duration_seconds\":10.01", "\"duration_seconds\":1e999", ":2: "},
      {"\"frames\":250", "\"frames\":0", ":2: a video that is ok"},
      {"\"path\":\"videos/a.mp4\"", "\"path\":\"../a.mp4\"", ":2: 'path'"},
      {"\"path\":\"videos/a.mp4\"", "\"path\":\"/a.mp4\"", ":2: 'path'"},
      {"\"label\":\"wave\"", "\"label\":\"other\"", ":2: 'label': 'other'"},
      {"\"split\":\"train\"", "\"split\":\"validate\"", ":2: 'split'"},
      {"\"status\":\"ok\"", "\"status\":\"fine\"", ":2: 'status'"},
      {"\"id\":\"b\"", "\"id\":\"a\"", ":3: 'id': 'a' stands there twice"},
      {"\"start_seconds\":1.5", "\"start_seconds\":9.5", ":3: expected start_seconds"},
      {"\"status\":\"rejected\"", "\"status\":\"ok\"", ":4: the field 'reason' is unknown"},
      {"{\"id\"", "{id", ":2: expected one JSON object"},
  };
  const TemporaryDirectory directory;
  for (const Change& change : changes) {
    write_changed(directory, change.from, change.to);
    EXPECT_THAT([&] { read_manifest(directory / "manifest.jsonl"); },
                ThrowsMessage<core::DataError>(StartsWith((directory / "manifest.jsonl") + change.message)))
        << change.from << " -> " << change.to;
  }
}

// Of several blocks, each of which is read by several threads.
TEST(Manifest, KeepsTheOrderOfManyLinesAndNamesTheFirstBadOne) {
  constexpr size_t kEntries = 60'000;
  const TemporaryDirectory directory;
  const std::string path = directory / "manifest.jsonl";
  Manifest written{directory.path(), LabelMap({"wave"}), {}};
  for (size_t i = 0; i < kEntries; ++i) written.entries.push_back(sound_entry("clip-" + std::to_string(i), "wave"));
  write_manifest(path, written);
  const Manifest found = read_manifest(path);
  ASSERT_EQ(found.entries.size(), kEntries);
  for (size_t i = 0; i < kEntries; ++i) ASSERT_EQ(found.entries[i].id, written.entries[i].id);
  std::string text = read_bytes(path);
  for (const char* id : {"clip-59999\"", "clip-41999\"", "clip-41234\""}) {
    text.replace(text.find("\"frames\":250", text.find(id)), 12, "\"frames\":0.5");
  }
  write_bytes(path, text);
  EXPECT_THAT([&] { read_manifest(path); }, ThrowsMessage<core::DataError>(StartsWith(path + ":41236: 'frames'")));
}

TEST(Manifest, RefusesALineWithoutEndAndWhatIsNoFile) {
  const TemporaryDirectory directory;
  const std::string path = directory / "long.jsonl";
  write_manifest(path, small_manifest(directory.path()));
  write_bytes(path, read_bytes(path) + std::string(size_t{80} << 20, 'x'));
  EXPECT_THAT([&] { read_manifest(path); },
              ThrowsMessage<core::DataError>(StartsWith(path + ": has a line of more than 64 MB")));
  EXPECT_THAT([&] { read_manifest(directory.path()); },
              ThrowsMessage<core::DataError>(StartsWith(directory.path() + ": expected a file")));
}

TEST(Manifest, RefusesATruncatedOne) {
  const TemporaryDirectory directory;
  const std::string path = directory / "manifest.jsonl";
  write_manifest(path, small_manifest(directory.path()));
  const std::string whole = read_bytes(path);
  for (size_t length = 0; length + 1 < whole.size(); length += 13) {
    write_bytes(path, whole.substr(0, length));
    EXPECT_THROW(read_manifest(path), core::DataError) << length;
  }
}

TEST(Manifest, IsNotWrittenWhereItCouldNotBeReadBack) {
  const TemporaryDirectory directory;
  const std::string path = directory / "manifest.jsonl";
  Manifest manifest = small_manifest(directory.path());
  manifest.entries[1].id = "a";
  EXPECT_THROW(write_manifest(path, manifest), core::DataError);
  manifest = small_manifest(directory.path());
  manifest.entries[0].label = "unheard of";
  EXPECT_THROW(write_manifest(path, manifest), core::DataError);
  manifest = small_manifest(directory.path());
  manifest.entries[0].path = "not utf-8 \xff.mp4";
  EXPECT_THROW(write_manifest(path, manifest), core::DataError);
  EXPECT_FALSE(std::filesystem::exists(path));
}

TEST(ScanVideo, MeasuresAGoodVideoAndRejectsABadOneWithItsReason) {
  const TemporaryDirectory directory;
  make_video(directory / "good.mp4", "-c:v libx264 -preset veryfast -pix_fmt yuv420p");
  const std::string whole = read_bytes(directory / "good.mp4");
  write_bytes(directory / "cut.mp4", whole.substr(0, whole.size() / 2));
  write_bytes(directory / "empty.mp4", "");
  const auto scan = [&](const std::string& path, std::optional<double> start = {}) {
    return scan_video(directory.path(),
                      {.id = path, .path = path, .label = "x", .split = "val", .start_seconds = start}, {});
  };
  const ManifestEntry good = scan("good.mp4");
  EXPECT_TRUE(good.is_ok()) << good.reason;
  EXPECT_EQ(good.frames, 50);
  EXPECT_EQ(good.width, 96);
  EXPECT_EQ(good.bytes, static_cast<int64_t>(whole.size()));
  EXPECT_EQ(good.label, "x");
  EXPECT_EQ(good.split, "val");
  EXPECT_THAT(scan("cut.mp4").reason, StartsWith("truncated: "));
  EXPECT_THAT(scan("empty.mp4").reason, StartsWith("not a video: "));
  EXPECT_THAT(scan("none.mp4").reason, StartsWith("unreadable: "));
  EXPECT_THAT(scan("good.mp4", 2.5).reason, StartsWith("outside the video: "));
}

TEST(ScanVideo, FindsADamagedFrameOnlyByDecoding) {
  const TemporaryDirectory directory;
  make_video(directory / "a.mp4", "-c:v libx264 -preset veryfast -g 10 -pix_fmt yuv420p",
             "testsrc2=size=160x128:rate=25:duration=2");
  std::string bytes = read_bytes(directory / "a.mp4");
  const size_t middle = bytes.find("mdat") + bytes.size() / 2;
  for (size_t i = 0; i < 1500; ++i) bytes[middle + i] = static_cast<char>((i * 2654435761u) >> 11);
  write_bytes(directory / "a.mp4", bytes);
  const ListedVideo video{.id = "a", .path = "a.mp4", .label = "x", .split = "train"};
  EXPECT_TRUE(scan_video(directory.path(), video).is_ok());
  EXPECT_THAT(scan_video(directory.path(), video, {.decode_to_end = true}).reason, StartsWith("undecodable: "));
}

TEST(Summary, CountsByReasonAndSplit) {
  const TemporaryDirectory directory;
  Manifest manifest = small_manifest(directory.path());
  manifest.entries.push_back(manifest.entries[2]);
  manifest.entries.back().reason = "not found: list.csv:3: no such file";
  EXPECT_EQ(count_by_reason(manifest), (std::map<std::string, int64_t>{{"not found", 1}, {"truncated", 1}}));
}

}  // namespace
}  // namespace permafrost::data
