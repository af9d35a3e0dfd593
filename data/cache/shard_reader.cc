#include "data/cache/shard_reader.h"

#include <algorithm>
#include <memory>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "data/cache/shard_file.h"

namespace permafrost::data {

ShardReader::ShardReader(std::string path) : path_(std::move(path)), layout_(open_shard_file(path_, header_)) {
  codec_ = make_codec(key().codec, key().feature_shape());
  key_sha256_ = key().hash();
  if (records() > 0) load_rows();
}

// Column by column, in few large reads.
void ShardReader::load_rows() {
  const core::FileDescriptor fd = core::open_for_reading(path_);
  const std::vector<uint32_t> checksums = read_checksums(fd.get(), 0, records());
  std::vector<ClipRecord> clips(records());
  std::vector<uint8_t> bytes;
  for (size_t column = 0; column < layout_.fields.size(); ++column) {
    const Field& field = layout_.fields[column];
    if (!is_metadata(field)) continue;
    bytes.resize(field.record_bytes() * records());
    core::read_exactly(fd.get(), path_, bytes.data(), bytes.size(), layout_.record_offset(field, 0));
    for (int64_t row = 0; row < records(); ++row) {
      const uint8_t* at = bytes.data() + row * field.record_bytes();
      check(column, row, at, checksums[row * layout_.fields.size() + column]);
      unpack_metadata(field, at, path_ + ": record " + std::to_string(row), clips[row]);
    }
  }
  for (ClipRecord& clip : clips) {
    rows_.push_back({.video_id = std::move(clip.video_id),
                     .label = std::move(clip.label),
                     .split = std::move(clip.split),
                     .view = clip.view});
  }
}

std::vector<uint32_t> ShardReader::read_checksums(int fd, int64_t row, int64_t rows) const {
  std::vector<uint32_t> checksums(rows * layout_.fields.size());
  core::read_exactly(fd, path_, checksums.data(), checksums.size() * sizeof(uint32_t), layout_.checksum_offset(row, 0));
  return checksums;
}

void ShardReader::check(size_t column, int64_t row, const uint8_t* bytes, uint32_t expected) const {
  const Field& field = layout_.fields[column];
  const uint32_t found = field_crc(key_sha256_, unit(), row, field, bytes);
  if (found == expected) return;
  throw core::DataError(path_ + ": record " + std::to_string(row) + ", dataset '" + field.name + "': CRC32C " +
                        std::to_string(found) + ", expected " + std::to_string(expected) +
                        ": the shard is damaged: delete it and run cache build again");
}

void ShardReader::read_field(int fd, size_t column, int64_t row, uint32_t checksum, uint8_t* to) const {
  const Field& field = layout_.fields[column];
  core::read_exactly(fd, path_, to, field.record_bytes(), layout_.record_offset(field, row));
  check(column, row, to, checksum);
}

ClipRecord ShardReader::read(int64_t row) const {
  PERMAFROST_CHECK(row >= 0 && row < records(), path_ + " has no record " + std::to_string(row));
  const core::FileDescriptor fd = core::open_for_reading(path_);
  const std::vector<uint32_t> checksums = read_checksums(fd.get(), row, 1);
  const uint64_t coded_bytes = codec_->bytes_per_record();
  const auto coded = std::make_unique_for_overwrite<uint8_t[]>(coded_bytes);
  uint8_t* coded_at = coded.get();
  std::vector<uint8_t> small;
  ClipRecord record;
  record.pixels = torch::empty({key().frames, 3, key().image_size, key().image_size}, torch::kUInt8);
  for (size_t column = 0; column < layout_.fields.size(); ++column) {
    const Field& field = layout_.fields[column];
    if (is_metadata(field)) {
      small.resize(field.record_bytes());
      read_field(fd.get(), column, row, checksums[column], small.data());
      unpack_metadata(field, small.data(), path_ + ": record " + std::to_string(row), record);
    } else if (field.name == "pixels") {
      read_field(fd.get(), column, row, checksums[column], record.pixels.mutable_data_ptr<uint8_t>());
    } else {
      read_field(fd.get(), column, row, checksums[column], coded_at);
      coded_at += field.record_bytes();
    }
  }
  record.features = codec_->decode({coded.get(), coded_bytes});  // [N, t, L, C]
  return record;
}

void ShardReader::verify_records() const {
  if (records() == 0) return;
  const core::FileDescriptor fd = core::open_for_reading(path_);
  const std::vector<uint32_t> checksums = read_checksums(fd.get(), 0, records());
  std::vector<uint8_t> bytes;
  for (size_t column = 0; column < layout_.fields.size(); ++column) {
    bytes.resize(layout_.fields[column].record_bytes());
    for (int64_t row = 0; row < records(); ++row) {
      read_field(fd.get(), column, row, checksums[row * layout_.fields.size() + column], bytes.data());
    }
  }
}

}  // namespace permafrost::data
