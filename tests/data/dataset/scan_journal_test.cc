#include "data/dataset/scan_journal.h"

#include <gtest/gtest.h>

#include <filesystem>

#include "tests/data/video/video_files.h"
#include "tests/temporary_directory.h"

namespace permafrost::data {
namespace {

using permafrost::testing::read_bytes;
using permafrost::testing::write_bytes;

class Journal : public ::testing::Test {
 protected:
  Journal() { write_bytes(directory_ / "a.mp4", "x"); }

  ManifestEntry entry(int64_t frames) const {
    return {.id = "a", .path = "a.mp4", .bytes = 1, .frames = frames, .label = "x", .split = "train"};
  }
  ScanJournal open(const std::string& identity = "one") const {
    return {directory_ / "m.jsonl", identity, directory_.path()};
  }
  std::string only_file() const {
    for (const auto& file : std::filesystem::directory_iterator(directory_ / "m.jsonl.scan")) return file.path();
    return "";
  }

  permafrost::testing::TemporaryDirectory directory_;
};

TEST_F(Journal, GivesBackWhatWasAdded) {
  open().add(3, entry(7));
  open().add(5, entry(8));
  const auto found = open().found();
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found.at(3).frames, 7);
  EXPECT_EQ(found.at(5).frames, 8);
}

TEST_F(Journal, OfAnotherScanIsNotRead) {
  open("one").add(3, entry(7));
  EXPECT_TRUE(open("two").found().empty());
}

TEST_F(Journal, LeavesOutAChangedFile) {
  open().add(3, entry(7));
  std::filesystem::last_write_time(directory_ / "a.mp4",
                                   std::filesystem::file_time_type::clock::now() + std::chrono::hours(1));
  EXPECT_TRUE(open().found().empty());
}

TEST_F(Journal, LeavesOutALineThatAKillCutShort) {
  ScanJournal journal = open();
  journal.add(3, entry(7));
  journal.add(4, entry(9));
  const std::string whole = read_bytes(only_file());
  for (size_t cut = 1; cut < 60; cut += 7) {
    write_bytes(only_file(), whole.substr(0, whole.size() - cut));
    EXPECT_EQ(open().found().size(), cut == 1 ? 2u : 1u) << cut;
  }
}

TEST_F(Journal, BelievesNoFlippedBit) {
  open().add(3, entry(7));
  const std::string whole = read_bytes(only_file());
  for (size_t at = 0; at < whole.size(); ++at) {
    for (const int bit : {0, 3, 5}) {
      std::string flipped = whole;
      flipped[at] = static_cast<char>(flipped[at] ^ (1 << bit));
      write_bytes(only_file(), flipped);
      for (const auto& [place, found] : open().found()) {
        EXPECT_EQ(place, 3) << at;
        EXPECT_EQ(found.frames, 7) << at;
      }
    }
  }
}

TEST_F(Journal, GoesWithItsFolder) {
  ScanJournal journal = open();
  journal.add(3, entry(7));
  journal.remove();
  EXPECT_FALSE(std::filesystem::exists(directory_ / "m.jsonl.scan"));
}

}  // namespace
}  // namespace permafrost::data
