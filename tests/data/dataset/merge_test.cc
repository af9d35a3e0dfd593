#include "data/dataset/merge.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <map>
#include <set>

#include "core/base/error.h"
#include "core/base/random.h"
#include "data/dataset/label_lists.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using ::testing::AllOf;
using ::testing::HasSubstr;
using ::testing::StartsWith;

ManifestEntry entry(const std::string& id, const std::string& label, const std::string& split,
                    const std::string& reason = "") {
  ManifestEntry entry{.id = id,
                      .path = id + ".mp4",
                      .bytes = 1,
                      .duration_seconds = 10,
                      .frames = 300,
                      .frames_per_second = 30,
                      .width = 4,
                      .height = 4,
                      .label = label,
                      .split = split};
  if (reason.empty()) return entry;
  entry.status = "rejected";
  entry.reason = reason;
  return entry;
}

Manifest manifest(const std::string& root, std::vector<ManifestEntry> entries) {
  std::vector<std::string> labels;
  for (const ManifestEntry& one : entries) labels.push_back(one.label);
  return {root, LabelMap::sorted(labels), std::move(entries)};
}

TEST(Merge, UnitesLabelsAndKeepsEveryVideoOnce) {
  const Manifest a = manifest("/data/k400", {entry("aaaaaaaaaaa_000001_000011", "hugging", "train"),
                                             entry("bbbbbbbbbbb_000001_000011", "abseiling", "train", "truncated: x"),
                                             entry("ccccccccccc_000001_000011", "abseiling", "val")});
  const Manifest b = manifest("/data/k700/videos", {entry("aaaaaaaaaaa_000005_000015", "hugging (not baby)", "train"),
                                                    entry("bbbbbbbbbbb_000003_000013", "abseiling", "train"),
                                                    entry("ccccccccccc_000009_000019", "abseiling", "train"),
                                                    entry("ddddddddddd_000001_000011", "zumba", "val", "not found: x"),
                                                    entry("ddddddddddd_000002_000012", "zumba", "train"),
                                                    entry("eeeeeeeeeee_000002_000012", "zumba", "test"),
                                                    entry("ccccccccccc_000001_000011", "zumba", "test")});
  MergeReport report;
  const Manifest united = merge_manifests({{"k400.jsonl", a}, {"k700.jsonl", b}}, std::nullopt, report);
  EXPECT_EQ(united.root, "/data");
  EXPECT_EQ(united.labels.names(), (std::vector<std::string>{"abseiling", "hugging (not baby)", "zumba"}));
  ASSERT_EQ(united.entries.size(), 10u);
  EXPECT_EQ(united.entries[0].label, "hugging (not baby)");
  EXPECT_EQ(united.entries[0].path, "k400/aaaaaaaaaaa_000001_000011.mp4");
  EXPECT_THAT(united.entries[1].reason, AllOf(StartsWith("duplicate: "), HasSubstr("(truncated: x)")));
  EXPECT_TRUE(united.entries[2].is_ok());
  EXPECT_THAT(united.entries[3].reason,
              StartsWith("duplicate: k700.jsonl: kept as 'aaaaaaaaaaa_000001_000011' of k400"));
  EXPECT_TRUE(united.entries[4].is_ok()) << "its other copy is of no use";
  EXPECT_THAT(united.entries[5].reason, StartsWith("held out: k700.jsonl: a video of the split val of k400.jsonl"));
  EXPECT_THAT(united.entries[7].reason, StartsWith("held out: ")) << "a missing validation video counts too";
  EXPECT_TRUE(united.entries[8].is_ok());
  EXPECT_THAT(united.entries[9].reason, StartsWith("held out: "));
  EXPECT_EQ(report.sources[0].renamed, 1);
  EXPECT_EQ(report.sources[1].duplicates, 1);
  EXPECT_EQ(report.sources[1].held_out, 3);
  EXPECT_EQ(report.kept, (std::map<std::string, int64_t>{{"test", 1}, {"train", 2}, {"val", 1}}));
  EXPECT_EQ(report.conflicts, 0);
}

TEST(Merge, AVideoIsListedOnceWhateverBecameOfItsFiles) {
  const Manifest a = manifest("/a", {entry("aaaaaaaaaaa_000001_000011", "x", "val", "not found: y"),
                                     entry("bbbbbbbbbbb_000001_000011", "x", "val", "not found: y")});
  const Manifest b = manifest("/b", {entry("aaaaaaaaaaa_000001_000011", "x", "val"),
                                     entry("bbbbbbbbbbb_000001_000011", "x", "val", "not found: y"),
                                     entry("bbbbbbbbbbb_000001_000011", "x", "train", "not found: y")});
  MergeReport report;
  const Manifest united = merge_manifests({{"a", a}, {"b", b}}, std::nullopt, report);
  EXPECT_EQ(count_listed(united), (std::map<std::string, int64_t>{{"val", 2}}));
  EXPECT_THAT(united.entries[0].reason, AllOf(StartsWith("duplicate: "), HasSubstr("(not found: y)")));
  EXPECT_THAT(united.entries[1].reason, StartsWith("not found: "));
  EXPECT_THAT(united.entries[4].reason, StartsWith("held out: "));
}

TEST(Merge, AGivenOrderSaysWhichClassesThereAre) {
  const Manifest a =
      manifest("/k", {entry("aaaaaaaaaaa", "chopping vegetables", "train"), entry("bbbbbbbbbbb", "hugging", "train")});
  MergeReport report;
  const LabelMap order = find_labels("kinetics710_videomaev2");
  const Manifest united = merge_manifests({{"a", a}}, order, report);
  EXPECT_EQ(united.labels.hash(), order.hash());
  EXPECT_THAT(united.entries[0].reason, StartsWith("no class: a: 'chopping vegetables'"));
  EXPECT_EQ(united.entries[1].label, "hugging (not baby)");
  EXPECT_EQ(report.sources[0].no_class, 1);
}

TEST(Merge, OtherDataSetsKeepTheirNamesAndTheirVideos) {
  const Manifest a = manifest("/sets/one", {entry("drink/clip", "drinking", "train")});
  const Manifest b = manifest("/sets/two", {entry("drink/clip", "drinking", "train")});
  MergeReport report;
  const Manifest united = merge_manifests({{"one.jsonl", a}, {"two.jsonl", b}}, std::nullopt, report);
  EXPECT_EQ(united.labels.names(), std::vector<std::string>{"drinking"});
  ASSERT_TRUE(united.entries[0].is_ok() && united.entries[1].is_ok());
  EXPECT_EQ(united.entries[0].id, "drink/clip");
  EXPECT_EQ(united.entries[1].id, "two/drink/clip");
  EXPECT_EQ(merge_manifests({{"one", a}, {"again", a}}, std::nullopt, report).entries[1].status, "rejected");
}

TEST(Merge, PartsOfOneFileAreVideosOfTheirOwn) {
  ManifestEntry first = entry("P01_01_0", "open/door", "train"), second = entry("P01_01_1", "open/door", "train");
  first.path = second.path = "P01_01.MP4";
  first.start_seconds = 0, first.end_seconds = 2;
  second.start_seconds = 2, second.end_seconds = 4;
  MergeReport report;
  EXPECT_EQ(merge_manifests({{"epic", manifest("/e", {first, second})}}, std::nullopt, report).entries[1].status, "ok");
}

TEST(Merge, NumberedNamesAreNoIdsOfYoutubes) {
  const Manifest root{"/r", {}, {}};
  for (const char* name :
       {"run/video_00001", "IMG_0000001", "running_man", "clip_000001", "short", "much_longer_than_that"}) {
    EXPECT_THAT(video_identity(root, {.id = name, .path = std::string(name) + ".mp4"}), StartsWith("file:/r/")) << name;
  }
  for (const char* name :
       {"train/dQw4w9WgXcQ", "-_aB01234x6", "abcdefghij7_000001_000011", "video_00001_000001_000011"}) {
    EXPECT_THAT(video_identity(root, {.id = name}), StartsWith("youtube:")) << name;
  }
}

TEST(Merge, TheResultIsAManifest) {
  const permafrost::testing::TemporaryDirectory directory;
  const Manifest a = manifest(directory / "a", {entry("aaaaaaaaaaa", "x", "train")});
  const Manifest b = manifest(directory / "b", {entry("aaaaaaaaaaa", "x", "train"), entry("ccccccccccc", "x", "val")});
  MergeReport report;
  write_manifest(directory / "m.jsonl", merge_manifests({{"a", a}, {"b", b}}, std::nullopt, report));
  const Manifest read = read_manifest(directory / "m.jsonl");
  EXPECT_EQ(std::filesystem::weakly_canonical(read.root), std::filesystem::weakly_canonical(directory.path()));
  EXPECT_EQ(read.entries.size(), 3u);
}

// Whatever the lists hold: no video in two splits, none twice, none lost.
TEST(Merge, HoldsItsPromisesOnRandomLists) {
  for (uint64_t seed = 0; seed < 50; ++seed) {
    core::RandomStream random(seed, {7});
    std::vector<MergeSource> sources;
    size_t entries = 0;
    for (int s = 0; s < 3; ++s) {
      std::vector<ManifestEntry> some;
      for (int i = 0; i < 200; ++i) {
        const std::string number = std::to_string(random.below(150));
        const std::string id =
            std::string(11 - number.size(), 'x') + number + "_00000" + std::to_string(random.below(3)) + "_000011";
        const char* splits[] = {"train", "train", "train", "val", "test"};
        const char* labels[] = {"hugging", "hugging (not baby)", "abseiling"};
        some.push_back(
            entry(id, labels[random.below(3)], splits[random.below(5)], random.below(4) == 0 ? "not found: x" : ""));
      }
      entries += some.size();
      sources.push_back({"s" + std::to_string(s), manifest("/r" + std::to_string(s), some)});
    }
    std::set<std::string> usable, held_out;
    for (const MergeSource& source : sources) {
      for (const ManifestEntry& one : source.manifest.entries) {
        if (one.is_ok()) usable.insert(one.id.substr(0, 11));
        if (one.split != "train") held_out.insert(one.id.substr(0, 11));
      }
    }
    MergeReport report;
    const Manifest united = merge_manifests(sources, std::nullopt, report);
    ASSERT_EQ(united.entries.size(), entries);
    std::set<std::string> kept, ids;
    for (const ManifestEntry& one : united.entries) {
      if (!one.is_ok()) continue;
      EXPECT_TRUE(ids.insert(one.id).second);
      const std::string youtube = std::filesystem::path(one.id).filename().string().substr(0, 11);
      EXPECT_TRUE(kept.insert(youtube).second) << youtube;
      if (one.split == "train") EXPECT_FALSE(held_out.contains(youtube));
    }
    std::map<std::string, std::set<std::string>> listed;
    for (const ManifestEntry& one : united.entries) {
      if (!is_listed(one)) continue;
      EXPECT_TRUE(listed[std::filesystem::path(one.id).filename().string().substr(0, 11)].insert(one.split).second);
    }
    for (const auto& [id, splits] : listed) EXPECT_EQ(splits.size(), 1u) << id;
    for (const std::string& id : usable) EXPECT_TRUE(kept.contains(id) || held_out.contains(id)) << id;
    int64_t accounted = 0;
    for (const SourceReport& source : report.sources) {
      EXPECT_EQ(source.usable, source.kept + source.duplicates + source.held_out + source.no_class);
      accounted += source.kept;
    }
    EXPECT_EQ(accounted, static_cast<int64_t>(kept.size()));
  }
}

}  // namespace
}  // namespace permafrost::data
