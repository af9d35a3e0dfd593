// Whatever is done to a shard is noticed: when it is opened, when a record is read, or when the cache is verified.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <set>

#include "data/cache/cache_reader.h"
#include "data/cache/hdf5_handle.h"
#include "data/cache/shard_file.h"
#include "tests/data/cache/make_cache.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;
using namespace permafrost::testing;

class Damage : public ::testing::Test {
 protected:
  Damage() {
    write_shard(path_, key_, 3, records_);
    for (const ClipRecord& record : records_) expected_.push_back(ShardReader(path_).read(&record - records_.data()));
  }

  // "" where the shard opens and every record of it reads.
  std::string complaint() const {
    return message_of<core::DataError>([&] {
      const ShardReader shard(path_);
      for (int64_t row = 0; row < shard.records(); ++row) shard.read(row);
    });
  }

  bool reads_as_written() const {
    const ShardReader shard(path_);
    if (shard.records() != static_cast<int64_t>(expected_.size())) return false;
    for (size_t row = 0; row < expected_.size(); ++row) {
      if (!is_equal(shard.read(static_cast<int64_t>(row)), expected_[row])) return false;
    }
    return true;
  }

  TemporaryDirectory directory_;
  std::string path_ = directory_ / "shard-00003.h5";
  CacheKey key_ = small_key();
  std::vector<ClipRecord> records_ = unit_records(key_, 3);
  std::vector<ClipRecord> expected_;
};

TEST_F(Damage, EveryFlippedByteOfARecordIsNamed) {
  ShardHeader header;
  const ShardLayout layout = open_shard_file(path_, header);
  for (const Field& field : layout.fields) {
    for (const int64_t row : {0, 4}) {
      const uint64_t bytes = field.record_bytes();
      for (const uint64_t at : std::set<uint64_t>{0, bytes / 2, bytes - 1}) {
        const uint64_t offset = layout.record_offset(field, row) + at;
        flip(path_, offset, 1);
        EXPECT_THAT(complaint(), HasSubstr("record " + std::to_string(row) + ", dataset '" + field.name + "'"));
        EXPECT_THAT(complaint(), HasSubstr(path_));
        flip(path_, offset, 1);
      }
    }
  }
  EXPECT_TRUE(reads_as_written());
}

TEST_F(Damage, NoFlippedBitAnywhereChangesWhatIsRead) {
  const uint64_t bytes = core::file_bytes(path_);
  uint64_t noticed = 0, tried = 0;
  core::RandomStream random(1, {});
  // Every byte of the first pages, where HDF5 keeps its own, then one in about 23.
  for (uint64_t at = 0; at < bytes; at += at < 6000 ? 1 + random.below(5) : 1 + random.below(45)) {
    const auto bits = static_cast<uint8_t>(1u << random.below(8));
    flip(path_, at, bits);
    const std::string message = complaint();
    ++tried;
    noticed += !message.empty();
    if (message.empty()) {
      EXPECT_TRUE(reads_as_written()) << "byte " << at << " of " << bytes;
    }
    flip(path_, at, bits);
  }
  EXPECT_GT(tried, 1500u);
  EXPECT_GT(noticed, tried / 2);
  EXPECT_EQ(complaint(), "");
}

TEST_F(Damage, ATruncatedShardIsRefusedWhereverItEnds) {
  const uint64_t bytes = core::file_bytes(path_);
  const std::string whole = core::read_text(path_);
  for (uint64_t tenth = 0; tenth < 10; ++tenth) {
    fs::resize_file(path_, bytes * tenth / 10);
    EXPECT_THAT(complaint(), HasSubstr(path_)) << tenth;
    core::publish_text(path_, whole);
  }
  fs::resize_file(path_, bytes - 1);
  EXPECT_NE(complaint(), "");
}

TEST_F(Damage, ARecordOfAnotherRowOrUnitIsRefused) {
  ShardHeader header;
  const ShardLayout layout = open_shard_file(path_, header);
  const std::string bytes = core::read_text(path_);
  std::string swapped = bytes;
  const Field& pixels = layout.fields[0];
  const auto copy_row = [&](uint64_t from, uint64_t to, uint64_t count) {
    swapped.replace(to, count, bytes, from, count);
  };
  copy_row(layout.record_offset(pixels, 0), layout.record_offset(pixels, 1), pixels.record_bytes());
  copy_row(layout.checksum_offset(0, 0), layout.checksum_offset(1, 0), 4);
  core::publish_text(path_, swapped);
  EXPECT_THAT(complaint(), HasSubstr("record 1, dataset 'pixels'"));
}

TEST_F(Damage, WhatIsNoShardIsRefused) {
  for (const std::string& text : {std::string(), std::string("hello"), std::string(100000, '\x89')}) {
    core::publish_text(path_, text);
    EXPECT_THAT(complaint(), HasSubstr(path_));
  }
  fs::remove(path_);
  EXPECT_THAT(message_of<core::IoError>([&] { ShardReader shard(path_); }), HasSubstr(path_));
}

// Replaces a dataset of the shard by what `make` makes of it, through the library.
void replace_dataset(const std::string& path, const char* name, const std::function<void(hid_t file)>& make) {
  const Hdf5Lock lock;
  const Hdf5File file(HDF5_TRY(H5Fopen(path.c_str(), H5F_ACC_RDWR, H5P_DEFAULT)));
  HDF5_TRY(H5Ldelete(file.get(), name, H5P_DEFAULT));
  make(file.get());
}

void make_dataset(hid_t file, const char* name, hid_t type, const std::vector<hsize_t>& dimensions,
                  const std::function<void(hid_t creation)>& set) {
  const Hdf5Dataspace space(
      HDF5_TRY(H5Screate_simple(static_cast<int>(dimensions.size()), dimensions.data(), nullptr)));
  const Hdf5Properties creation(HDF5_TRY(H5Pcreate(H5P_DATASET_CREATE)));
  HDF5_TRY(H5Pset_fill_time(creation.get(), H5D_FILL_TIME_NEVER));
  set(creation.get());
  const Hdf5Dataset dataset(
      HDF5_TRY(H5Dcreate2(file, name, type, space.get(), H5P_DEFAULT, creation.get(), H5P_DEFAULT)));
}

const std::vector<hsize_t> kPixels = {5, 4, 3, 16, 16};

TEST_F(Damage, AFilteredDatasetIsRefused) {
  replace_dataset(path_, "pixels", [](hid_t file) {
    make_dataset(file, "pixels", H5T_STD_U8LE, kPixels, [](hid_t creation) {
      const hsize_t chunk[] = {1, 4, 3, 16, 16};
      HDF5_TRY(H5Pset_chunk(creation, 5, chunk));
      HDF5_TRY(H5Pset_shuffle(creation));
    });
  });
  EXPECT_THAT(complaint(), HasSubstr("'pixels' is filtered"));
}

TEST_F(Damage, AChunkedDatasetIsRefused) {
  replace_dataset(path_, "pixels", [](hid_t file) {
    make_dataset(file, "pixels", H5T_STD_U8LE, kPixels, [](hid_t creation) {
      const hsize_t chunk[] = {1, 4, 3, 16, 16};
      HDF5_TRY(H5Pset_chunk(creation, 5, chunk));
    });
  });
  EXPECT_THAT(complaint(), HasSubstr("'pixels' is not contiguous"));
}

TEST_F(Damage, ADatasetInAnotherFileIsRefused) {
  const std::string other = directory_ / "other.bin";
  core::publish_text(other, std::string(16 * 16 * 3 * 4 * 5, 'x'));
  replace_dataset(path_, "pixels", [&](hid_t file) {
    make_dataset(file, "pixels", H5T_STD_U8LE, kPixels,
                 [&](hid_t creation) { HDF5_TRY(H5Pset_external(creation, other.c_str(), 0, H5F_UNLIMITED)); });
  });
  EXPECT_THAT(complaint(), HasSubstr("'pixels' lies in another file"));
}

TEST_F(Damage, AVirtualDatasetIsRefused) {
  replace_dataset(path_, "pixels", [&](hid_t file) {
    const Hdf5Dataspace space(HDF5_TRY(H5Screate_simple(5, kPixels.data(), nullptr)));
    make_dataset(file, "pixels", H5T_STD_U8LE, kPixels, [&](hid_t creation) {
      HDF5_TRY(H5Pset_virtual(creation, space.get(), "other.h5", "pixels", space.get()));
    });
  });
  EXPECT_THAT(complaint(), HasSubstr("'pixels' is not contiguous"));
}

TEST_F(Damage, ALinkOutOfTheFileIsRefused) {
  fs::copy_file(path_, directory_ / "other.h5");
  replace_dataset(path_, "pixels", [](hid_t file) {
    HDF5_TRY(H5Lcreate_external("other.h5", "/pixels", file, "pixels", H5P_DEFAULT, H5P_DEFAULT));
  });
  EXPECT_THAT(complaint(), HasSubstr("'pixels' is a soft or external link"));
}

TEST_F(Damage, ASoftLinkIsRefused) {
  replace_dataset(path_, "view", [](hid_t file) {
    HDF5_TRY(H5Lcreate_soft("/frame_indices", file, "view", H5P_DEFAULT, H5P_DEFAULT));
  });
  EXPECT_THAT(complaint(), HasSubstr("'view' is a soft or external link"));
}

TEST_F(Damage, ASizeBeyondTheFileIsRefusedBeforeItIsAllocated) {
  for (const hsize_t rows : {hsize_t{6}, hsize_t{1} << 40}) {
    replace_dataset(path_, "crc32c", [&](hid_t file) {
      make_dataset(file, "crc32c", H5T_STD_U32LE, {rows, 10},
                   [](hid_t creation) { HDF5_TRY(H5Pset_alloc_time(creation, H5D_ALLOC_TIME_LATE)); });
    });
    EXPECT_NE(complaint(), "");
  }
  EXPECT_THAT(complaint(), HasSubstr("more than the file's"));
}

TEST_F(Damage, AnotherTypeOrShapeOrMemberIsRefused) {
  const std::string whole = core::read_text(path_);
  const auto nothing = [](hid_t) {};
  replace_dataset(path_, "pixels", [&](hid_t file) { make_dataset(file, "pixels", H5T_STD_I8LE, kPixels, nothing); });
  EXPECT_THAT(complaint(), HasSubstr("another type"));
  core::publish_text(path_, whole);
  replace_dataset(path_, "pixels", [&](hid_t file) {
    make_dataset(file, "pixels", H5T_STD_U8LE, {5, 4, 3, 16, 17}, nothing);
  });
  EXPECT_THAT(complaint(), HasSubstr("another shape"));
  core::publish_text(path_, whole);
  replace_dataset(path_, "pixels", [&](hid_t file) { make_dataset(file, "pixels", H5T_STD_U8LE, kPixels, nothing); });
  EXPECT_THAT(complaint(), HasSubstr("beyond the file"));  // never allocated: it has no offset
  core::publish_text(path_, whole);
  replace_dataset(path_, "flipped", [](hid_t) {});
  EXPECT_THAT(complaint(), HasSubstr("14 members, expected 15"));
}

}  // namespace
}  // namespace permafrost::data
