#include "data/dataset/scan_journal.h"

#include <gtest/gtest.h>

#include <array>
#include <filesystem>

#include "tests/data/video/video_files.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using permafrost::testing::read_bytes;
using permafrost::testing::write_bytes;

constexpr std::array kMayPass{"takes too long", "takes too much memory", "crashes the decoder", "unreadable",
                              "undecodable"};

class Journal : public ::testing::Test {
 protected:
  Journal() { write_bytes(directory_ / "a.mp4", "x"); }

  ManifestEntry entry(int64_t frames) const {
    return {.id = "a", .path = "a.mp4", .bytes = 1, .frames = frames, .label = "x", .split = "train"};
  }
  ManifestEntry rejected(const std::string& kind) const {
    ManifestEntry bad = entry(0);
    bad.status = "rejected";
    bad.reason = kind + ": l:2: x";
    return bad;
  }
  ScanJournal open(bool decodes = false) const {
    return {directory_ / "m.jsonl", directory_.path(), {.decode_to_end = decodes}};
  }
  void add(const ManifestEntry& entry, bool decodes = false) {
    ScanJournal journal = open(decodes);
    journal.add(listed_[1], journal.stamp(listed_[1]), entry);
  }
  std::map<int64_t, ManifestEntry> found(bool decodes = false) const { return open(decodes).found(listed_); }
  std::string only_file() const {
    for (const auto& file : std::filesystem::directory_iterator(directory_ / "m.jsonl.scan")) return file.path();
    return "";
  }

  permafrost::testing::TemporaryDirectory directory_;
  std::vector<ListedVideo> listed_{{.id = "b", .path = "b.mp4", .label = "x", .split = "train", .source = "l:1"},
                                   {.id = "a", .path = "a.mp4", .label = "x", .split = "train", .source = "l:2"}};
};

TEST_F(Journal, GivesBackWhatWasAdded) {
  add(entry(7));
  ASSERT_EQ(found().size(), 1u);
  EXPECT_EQ(found().at(1).frames, 7);
}

TEST_F(Journal, FollowsAVideoToItsNewPlaceInTheList) {
  add(entry(7));
  listed_.insert(listed_.begin(), {.id = "new", .path = "new.mp4", .label = "x", .split = "train"});
  EXPECT_EQ(found().at(2).frames, 7);
}

TEST_F(Journal, OfOtherOptionsIsNotRead) {
  add(entry(7));
  EXPECT_TRUE(found(/*decodes=*/true).empty());
}

TEST_F(Journal, LeavesOutAVideoThatIsListedOtherwise) {
  add(entry(7));
  listed_[1].label = "y";
  EXPECT_TRUE(found().empty());
}

TEST_F(Journal, LeavesOutAChangedFile) {
  add(entry(7));
  std::filesystem::last_write_time(directory_ / "a.mp4",
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_TRUE(found().empty());
}

TEST_F(Journal, LeavesOutAFolderWithAChangedImage) {
  std::filesystem::create_directory(directory_ / "frames");
  write_bytes(directory_ / "frames/1.jpg", "x");
  listed_[1].path = "frames";
  add(entry(7));
  EXPECT_EQ(found().size(), 1u);
  write_bytes(directory_ / "frames/1.jpg", "xy");
  EXPECT_TRUE(found().empty());
}

TEST_F(Journal, ProbesAgainWhatMayHavePassed) {
  for (const char* kind : kMayPass) {
    add(rejected(kind));
    EXPECT_TRUE(found().empty()) << kind;
  }
}

TEST_F(Journal, KeepsWhatFailsInThisScanForItsManifest) {
  for (const char* kind : kMayPass) {
    ScanJournal journal = open();
    journal.add(listed_[1], journal.stamp(listed_[1]), rejected(kind));
    ASSERT_EQ(journal.found(listed_).size(), 1u) << kind;
    EXPECT_EQ(journal.found(listed_).at(1).reason, rejected(kind).reason);
  }
}

// Rank 0 writes the manifest from what every rank has found.
TEST_F(Journal, KeepsWhatFailsOnAnotherRankOfThisScan) {
  const ScanJournal root = open();
  add(rejected("crashes the decoder"));
  EXPECT_EQ(root.found(listed_).size(), 1u);
}

TEST_F(Journal, PrefersThisScanToAnEarlierFailure) {
  add(rejected("takes too long"));
  ScanJournal journal = open();
  journal.add(listed_[1], journal.stamp(listed_[1]), entry(7));
  ASSERT_EQ(journal.found(listed_).size(), 1u);
  EXPECT_EQ(journal.found(listed_).at(1).frames, 7);
}

TEST_F(Journal, LeavesOutALineThatAKillCutShort) {
  add(entry(7));
  const std::string whole = read_bytes(only_file());
  for (size_t cut = 1; cut < 60; cut += 7) {
    write_bytes(only_file(), whole.substr(0, whole.size() - cut));
    EXPECT_EQ(found().size(), cut == 1 ? 1u : 0u) << cut;
  }
}

TEST_F(Journal, BelievesNoFlippedBit) {
  add(entry(7));
  const std::string whole = read_bytes(only_file());
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int bit : {0, 3, 5}) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      write_bytes(only_file(), flipped);
      for (const auto& [place, one] : found()) {
        EXPECT_EQ(place, 1) << at;
        EXPECT_EQ(one.frames, 7) << at;
      }
    }
  }
}

TEST_F(Journal, GoesWithItsFolder) {
  add(entry(7));
  open().remove();
  EXPECT_FALSE(std::filesystem::exists(directory_ / "m.jsonl.scan"));
}

}  // namespace
}  // namespace permafrost::data
