#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/wait.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <limits>
#include <thread>

#include "core/base/checksum.h"
#include "data/cache/hdf5_handle.h"
#include "data/cache/shard_reader.h"
#include "data/cache/shard_writer.h"
#include "tests/data/cache/make_cache.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using ::testing::Not;
using namespace permafrost::testing;

class Shard : public ::testing::Test {
 protected:
  TemporaryDirectory directory_;
  std::string path_ = directory_ / "shard-00003.h5";
};

// What each codec must do inside a shard.
class ShardOfEveryCodec : public Shard, public ::testing::WithParamInterface<std::string> {};

INSTANTIATE_TEST_SUITE_P(Codecs, ShardOfEveryCodec, ::testing::ValuesIn(codec_names()),
                         [](const auto& codec) { return codec.param; });

TEST_P(ShardOfEveryCodec, GivesEveryRecordBack) {
  CacheKey key = small_key(GetParam());
  const std::shared_ptr<const Codec> codec = fit_codec(key);
  const std::vector<ClipRecord> records = unit_records(key, 3);
  const ShardSummary summary = write_shard(path_, key, 3, records, codec);
  const ShardReader shard(path_, codec);
  EXPECT_EQ(shard.key(), key);
  EXPECT_EQ(shard.unit(), 3);
  ASSERT_EQ(shard.records(), static_cast<int64_t>(records.size()));
  for (int64_t row = 0; row < shard.records(); ++row) {
    ClipRecord expected = records[row];
    expected.features = codec->decode(codec->encode(expected.features, "v"));
    EXPECT_TRUE(is_equal(shard.read(row), expected)) << row;
    EXPECT_EQ(shard.row(row).video_id, expected.video_id);
    EXPECT_EQ(shard.row(row).view, expected.view);
  }
  EXPECT_EQ(summary, summarize_shard(path_));
  EXPECT_EQ(summary.file, "shard-00003.h5");
  EXPECT_EQ(summary.bytes, fs::file_size(path_));
  EXPECT_EQ(summary.crc32c, core::crc32c_of_file(path_));
}

TEST_P(ShardOfEveryCodec, SameRecordsMakeTheSameBytes) {
  CacheKey key = small_key(GetParam());
  const std::shared_ptr<const Codec> codec = fit_codec(key);
  write_shard(path_, key, 3, unit_records(key, 3), codec);
  std::this_thread::sleep_for(std::chrono::milliseconds(1100));  // object headers count whole seconds
  write_shard(directory_ / "again.h5", key, 3, unit_records(key, 3), codec);
  EXPECT_EQ(core::read_text(path_), core::read_text(directory_ / "again.h5"));
}

// The library's own reading, in the file's own type.
template <class T>
std::vector<T> read_by_library(const std::string& path, const char* dataset) {
  const Hdf5Lock lock;
  const Hdf5File file(HDF5_TRY(H5Fopen(path.c_str(), H5F_ACC_RDONLY, H5P_DEFAULT)));
  const Hdf5Dataset data(HDF5_TRY(H5Dopen2(file.get(), dataset, H5P_DEFAULT)));
  const Hdf5Datatype type(HDF5_TRY(H5Dget_type(data.get())));
  const Hdf5Dataspace space(HDF5_TRY(H5Dget_space(data.get())));
  const auto bytes = static_cast<size_t>(H5Sget_simple_extent_npoints(space.get())) * H5Tget_size(type.get());
  std::vector<T> values(bytes / sizeof(T));
  HDF5_TRY(H5Dread(data.get(), type.get(), H5S_ALL, H5S_ALL, H5P_DEFAULT, values.data()));
  return values;
}

TEST_F(Shard, TheLibraryReadsWhatOurReaderReads) {
  const CacheKey key = small_key();
  write_shard(path_, key, 3, unit_records(key, 3));
  const ShardReader shard(path_);
  std::vector<uint8_t> pixels = read_by_library<uint8_t>(path_, "pixels");
  std::vector<uint16_t> features = read_by_library<uint16_t>(path_, "features");
  const std::vector<double> timestamps = read_by_library<double>(path_, "timestamps_seconds");
  const std::vector<char> ids = read_by_library<char>(path_, "video_id");
  const int64_t rows = shard.records();
  const torch::Tensor all_pixels = torch::from_blob(pixels.data(), {rows, 4, 3, 16, 16}, torch::kUInt8);
  const torch::Tensor all_features = torch::from_blob(features.data(), {rows, 2, 2, 5, 24}, torch::kHalf);
  for (int64_t row = 0; row < rows; ++row) {
    const ClipRecord clip = shard.read(row);
    EXPECT_TRUE(torch::equal(all_pixels[row], clip.pixels));
    EXPECT_TRUE(torch::equal(all_features[row].to(torch::kFloat32), clip.features));
    EXPECT_EQ(timestamps[row * 4 + 3], clip.timestamps_seconds[3]);
    EXPECT_EQ(std::string(&ids[row * 256]), clip.video_id);
  }
}

TEST_F(Shard, ChecksumsAreTheOnesOfThePage) {
  const CacheKey key = small_key();
  const std::vector<ClipRecord> records = unit_records(key, 3);
  write_shard(path_, key, 3, records);
  const std::vector<uint32_t> table = read_by_library<uint32_t>(path_, "crc32c");
  const size_t columns = table.size() / records.size();
  ASSERT_EQ(columns, 14u);  // pixels, features and twelve of metadata
  const std::string place = key.hash() + "/3/2/pixels:";
  const uint32_t seed = core::crc32c(place.data(), place.size());
  EXPECT_EQ(table[2 * columns], core::crc32c(records[2].pixels.data_ptr(), records[2].pixels.nbytes(), seed));
}

std::string output_of(const std::string& command) {
  std::string text;
  std::array<char, 4096> block;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr) return "cannot run " + command;
  for (size_t got; (got = std::fread(block.data(), 1, block.size(), pipe)) > 0;) text.append(block.data(), got);
  const int status = ::pclose(pipe);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? text : "failed: " + command + "\n" + text;
}

TEST_F(Shard, H5dumpShowsWhatItIs) {
  const CacheKey key = small_key();
  write_shard(path_, key, 3, unit_records(key, 3));
  const std::string text = output_of("h5dump -H -p '" + path_ + "' 2>&1");
  for (const char* part :
       {"DATASET \"pixels\"", "( 5, 4, 3, 16, 16 )", "16-bit little-endian floating-point", "( 5, 2, 2, 5, 24 )",
        "DATASET \"crc32c\"", "ATTRIBUTE \"key_sha256\"", "CONTIGUOUS", "ATTRIBUTE \"axes\"", "STRSIZE 256"}) {
    EXPECT_THAT(text, HasSubstr(part));
  }
  EXPECT_THAT(text, Not(HasSubstr("CHUNKED")));
  EXPECT_THAT(output_of("h5dump -a /pixels/axes '" + path_ + "' 2>&1"), HasSubstr("record, frame, colour"));
}

TEST_F(Shard, ReadsTheSameFromManyThreads) {
  const CacheKey key = small_key("int8");
  write_shard(path_, key, 3, unit_records(key, 3));
  const ShardReader shard(path_);
  const ClipRecord expected = shard.read(2);
  std::vector<int> equal(4, 0);
  std::vector<std::thread> threads;
  for (size_t i = 0; i < equal.size(); ++i) {
    threads.emplace_back([&, i] {
      for (int turn = 0; turn < 50; ++turn) equal[i] += is_equal(shard.read(2), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_THAT(equal, ::testing::Each(50));
}

TEST_F(Shard, AnUnfullShardKeepsItsRecordsAndItsRejectedVideos) {
  const CacheKey key = small_key();
  const std::vector<ClipRecord> records = unit_records(key, 3);
  std::vector<RejectedVideo> rejected;
  for (int i = 0; i < 1500; ++i) {  // more text than an HDF5 attribute holds in place
    rejected.push_back(
        {.video_id = "v" + std::to_string(i), .path = "a \"b\".mp4", .reason = "no video stream, no frame"});
    if (i % 2 == 1) rejected.back().entry_crc32c = UINT32_MAX - static_cast<uint32_t>(i);
  }
  ShardWriter writer({.path = path_, .key = key, .unit = 3, .capacity = 400});
  for (const ClipRecord& record : records) writer.append(record);
  const ShardSummary summary = writer.finish(rejected);
  EXPECT_EQ(summary, summarize_shard(path_));
  const ShardReader shard(path_);
  EXPECT_EQ(shard.rejected(), rejected);
  ASSERT_EQ(shard.records(), static_cast<int64_t>(records.size()));
  EXPECT_EQ(shard.read(4).video_id, records[4].video_id);
  write_shard(directory_ / "full.h5", key, 3, records);
  EXPECT_LT(fs::file_size(path_), fs::file_size(directory_ / "full.h5") + 300000);
}

TEST_F(Shard, AUnitWithoutAnyRecordIsAShardToo) {
  ShardWriter writer({.path = path_, .key = small_key(), .unit = 3, .capacity = 4});
  const ShardSummary summary = writer.finish({{.video_id = "a", .path = "a.mp4", .reason = "empty"}});
  EXPECT_EQ(summary.records(), 0);
  EXPECT_EQ(ShardReader(path_).records(), 0);
  EXPECT_EQ(ShardReader(path_).rejected().size(), 1u);
  EXPECT_EQ(summarize_shard(path_), summary);
}

TEST_F(Shard, AnUnfinishedWriterLeavesNothing) {
  {
    ShardWriter writer({.path = path_, .key = small_key(), .unit = 3, .capacity = 5});
    writer.append(unit_records(small_key(), 3)[0]);
    EXPECT_FALSE(fs::exists(path_));
    EXPECT_FALSE(fs::is_empty(directory_.path()));
  }
  EXPECT_TRUE(fs::is_empty(directory_.path()));
}

TEST_F(Shard, FinishLeavesTheShardAlone) {
  write_shard(path_, small_key(), 3, unit_records(small_key(), 3));
  int64_t files = 0;
  for (const auto& entry : fs::directory_iterator(directory_.path())) files += entry.exists();
  EXPECT_EQ(files, 1);
}

TEST_F(Shard, ARefusedRecordNamesItsVideoAndDoesNotSpoilTheShard) {
  const CacheKey key = small_key();
  const std::vector<ClipRecord> records = unit_records(key, 3);
  ShardWriter writer({.path = path_, .key = key, .unit = 3, .capacity = static_cast<int64_t>(records.size())});
  for (const ClipRecord& record : records) {
    const auto refusal = [&](const std::function<void(ClipRecord&)>& spoil) {
      ClipRecord bad = record;
      bad.features = record.features.clone();
      spoil(bad);
      return message_of<core::DataError>([&] { writer.append(bad); });
    };
    const float nan = std::numeric_limits<float>::quiet_NaN();
    EXPECT_THAT(refusal([&](ClipRecord& bad) { bad.features[1][1][4][23] = nan; }), HasSubstr(record.video_id));
    EXPECT_THAT(refusal([](ClipRecord& bad) {
                  bad.pixels = torch::zeros({4, 3, 16, 15}, torch::kUInt8);
                }),
                HasSubstr("[4, 3, 16, 16]"));
    EXPECT_THAT(refusal([](ClipRecord& bad) { bad.timestamps_seconds.pop_back(); }), HasSubstr("3 timestamps"));
    EXPECT_THAT(refusal([](ClipRecord& bad) { bad.split = "validate"; }), HasSubstr("'validate'"));
    EXPECT_THAT(refusal([](ClipRecord& bad) { bad.label = std::string(129, 'x'); }), HasSubstr("label of 129 bytes"));
    EXPECT_THAT(refusal([](ClipRecord& bad) { bad.video_id = std::string("a\0b", 3); }), HasSubstr("video_id"));
    writer.append(record);
  }
  writer.finish();
  write_shard(directory_ / "clean.h5", key, 3, records);
  EXPECT_EQ(core::read_text(path_), core::read_text(directory_ / "clean.h5"));
}

TEST_F(Shard, TakesAllViewsOfAVideoOrNone) {
  const CacheKey key = small_key();
  const std::vector<ClipRecord> records = unit_records(key, 3);
  std::vector<ClipRecord> bad = {records[0], records[1]};
  bad[1].features = bad[1].features * std::numeric_limits<float>::infinity();
  ShardWriter writer({.path = path_, .key = key, .unit = 3, .capacity = 4});
  EXPECT_THROW(writer.append(bad), core::DataError);
  EXPECT_EQ(writer.records(), 0);
  writer.append(std::vector<ClipRecord>{records[2], records[3]});
  writer.finish();
  EXPECT_EQ(ShardReader(path_).records(), 2);
  EXPECT_TRUE(ShardReader(path_).row(0).video_id == records[2].video_id);
}

TEST_F(Shard, AMissingFolderIsNamedAndNothingIsLeft) {
  const CacheKey key = small_key();
  const std::string missing = directory_ / "no/such/folder/shard-00000.h5";
  EXPECT_THAT(message_of<core::IoError>([&] { ShardWriter({.path = missing, .key = key, .unit = 0, .capacity = 1}); }),
              HasSubstr(missing));
  EXPECT_TRUE(fs::is_empty(directory_.path()));
}

}  // namespace
}  // namespace permafrost::data
