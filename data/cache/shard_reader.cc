#include "data/cache/shard_reader.h"

#include <algorithm>
#include <memory>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "data/cache/shard_file.h"
#include "data/dataset/mirrored_label.h"

namespace permafrost::data {
namespace {

constexpr uint64_t kReadAtOnce = 256 << 10;  // bytes: still in the core's cache when their checksum is taken

}  // namespace

ShardReader::ShardReader(std::string path, std::shared_ptr<const Codec> codec)
    : path_(std::move(path)), layout_(open_shard_file(path_, header_)), codec_(std::move(codec)) {
  if (!codec_) codec_ = make_codec(key().codec, key().feature_shape());
  key_sha256_ = key().hash();
  if (records() == 0) return;
  load_checksums();
  load_rows();
}

void ShardReader::load_checksums() {
  const core::FileDescriptor fd = core::open_for_reading(path_);
  checksums_.resize(records() * layout_.fields.size());
  core::read_exactly(fd.get(), path_, checksums_.data(), checksums_.size() * sizeof(uint32_t),
                     layout_.checksum_offset(0, 0));
}

// Column by column, in few large reads.
void ShardReader::load_rows() {
  const core::FileDescriptor fd = core::open_for_reading(path_);
  std::vector<ClipRecord> clips(records());
  std::vector<uint8_t> bytes;
  for (size_t column = 0; column < layout_.fields.size(); ++column) {
    const Field& field = layout_.fields[column];
    if (!is_metadata(field)) continue;
    bytes.resize(field.record_bytes() * records());
    core::read_exactly(fd.get(), path_, bytes.data(), bytes.size(), layout_.record_offset(field, 0));
    for (int64_t row = 0; row < records(); ++row) {
      const uint8_t* at = bytes.data() + row * field.record_bytes();
      check(column, row, field_crc(key_sha256_, unit(), row, field, at));
      unpack_metadata(field, at, path_ + ": record " + std::to_string(row), clips[row]);
    }
  }
  for (ClipRecord& clip : clips) {
    rows_.push_back({.video_id = std::move(clip.video_id),
                     .label = std::move(clip.label),
                     .split = std::move(clip.split),
                     .view = clip.view,
                     .entry_crc32c = clip.entry_crc32c,
                     .flipped = clip.flipped});
  }
}

std::vector<ShardVideo> ShardReader::videos() const {
  std::vector<ShardVideo> videos;
  for (size_t row = 0; row < rows_.size(); ++row) {
    const ShardRow& clip = rows_[row];
    const std::string label = clip.flipped ? mirrored_label(clip.label) : clip.label;
    if (clip.view == 0) videos.push_back({clip.video_id, label, clip.split, 0, clip.entry_crc32c});
    const bool fits = !videos.empty() && videos.back().views == clip.view && videos.back().id == clip.video_id &&
                      videos.back().label == label && videos.back().split == clip.split;
    if (!fits) {
      throw core::DataError(path_ + ": record " + std::to_string(row) + ": view " + std::to_string(clip.view) +
                            " of video " + clip.video_id + " is not in its place: build this shard again");
    }
    ++videos.back().views;
  }
  return videos;
}

void ShardReader::check(size_t column, int64_t row, uint32_t found) const {
  const uint32_t expected = checksums_[row * layout_.fields.size() + column];
  if (found == expected) return;
  throw core::DataError(path_ + ": record " + std::to_string(row) + ", dataset '" + layout_.fields[column].name +
                        "': CRC32C " + std::to_string(found) + ", expected " + std::to_string(expected) +
                        ": the shard is damaged: run permafrost cache verify --repair");
}

void ShardReader::read_field(int fd, size_t column, int64_t row, uint8_t* to) const {
  const Field& field = layout_.fields[column];
  const uint64_t bytes = field.record_bytes(), offset = layout_.record_offset(field, row);
  uint32_t crc = field_crc_seed(key_sha256_, unit(), row, field);
  for (uint64_t done = 0; done < bytes; done += kReadAtOnce) {
    const uint64_t part = std::min(kReadAtOnce, bytes - done);
    core::read_exactly(fd, path_, to + done, part, offset + done);
    crc = core::crc32c(to + done, part, crc);
  }
  check(column, row, crc);
}

void ShardReader::require_row(int64_t row) const {
  PERMAFROST_CHECK(row >= 0 && row < records(), path_ + " has no record " + std::to_string(row));
}

void ShardReader::read_into(int64_t row, uint8_t* pixels, uint8_t* coded) const {
  read_into(core::open_for_reading(path_).get(), row, pixels, coded);
}

void ShardReader::read_into(int fd, int64_t row, uint8_t* pixels, uint8_t* coded) const {
  require_row(row);
  for (size_t column = 0; column < layout_.fields.size(); ++column) {
    const Field& field = layout_.fields[column];
    if (is_metadata(field)) continue;
    uint8_t*& to = is_coded(field) ? coded : pixels;
    read_field(fd, column, row, to);
    to += field.record_bytes();
  }
}

std::vector<std::vector<uint8_t>> ShardReader::read_packed(int64_t row) const {
  return read_packed(core::open_for_reading(path_).get(), row);
}

std::vector<std::vector<uint8_t>> ShardReader::read_packed(int fd, int64_t row) const {
  require_row(row);
  std::vector<std::vector<uint8_t>> packed;
  for (size_t column = 0; column < layout_.fields.size(); ++column) {
    packed.emplace_back(layout_.fields[column].record_bytes());
    read_field(fd, column, row, packed.back().data());
  }
  return packed;
}

ClipRecord ShardReader::read(int64_t row) const { return read(core::open_for_reading(path_).get(), row); }

ClipRecord ShardReader::read(int fd, int64_t row) const {
  const std::vector<std::vector<uint8_t>> packed = read_packed(fd, row);
  ClipRecord record;
  std::vector<uint8_t> coded;
  for (size_t column = 0; column < packed.size(); ++column) {
    const Field& field = layout_.fields[column];
    if (is_metadata(field)) {
      unpack_metadata(field, packed[column].data(), path_ + ": record " + std::to_string(row), record);
    } else if (is_coded(field)) {
      coded.insert(coded.end(), packed[column].begin(), packed[column].end());
    } else {
      record.pixels = torch::empty({key().frames, 3, key().image_size, key().image_size}, torch::kUInt8);
      std::copy(packed[column].begin(), packed[column].end(), record.pixels.mutable_data_ptr<uint8_t>());
    }
  }
  record.features = codec_->decode(coded);  // [N, t, L, C]
  return record;
}

void ShardReader::verify_records() const {
  if (records() == 0) return;
  const core::FileDescriptor fd = core::open_for_reading(path_);
  std::vector<uint8_t> bytes;
  for (size_t column = 0; column < layout_.fields.size(); ++column) {
    bytes.resize(layout_.fields[column].record_bytes());
    for (int64_t row = 0; row < records(); ++row) read_field(fd.get(), column, row, bytes.data());
  }
}

}  // namespace permafrost::data
