#include "data/cache/shard_writer.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/log.h"
#include "data/cache/shard_file.h"
#include "data/cache/shard_reader.h"

namespace permafrost::data {
namespace {

core::FileDescriptor open_existing(const std::string& path) {
  core::FileDescriptor fd(::open(path.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.is_valid()) throw core::io_error(path, "open");
  return fd;
}

void remove_quietly(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT)
    core::log_warning() << path << ": cannot remove it: errno " << errno;
}

ShardSummary summary_of(const std::string& path, const ShardReader& shard) {
  return {.file = std::filesystem::path(path).filename().string(),
          .unit = shard.unit(),
          .bytes = shard.bytes(),
          .crc32c = core::crc32c_of_file(shard.path()),
          .videos = shard.videos(),
          .rejected = shard.rejected()};
}

}  // namespace

std::string shard_file_name(int64_t unit) {
  char name[48];
  std::snprintf(name, sizeof name, "shard-%05lld.h5", static_cast<long long>(unit));
  return name;
}

ShardSummary summarize_shard(const std::string& path) {
  const ShardReader shard(path);
  shard.verify_records();
  return summary_of(path, shard);
}

ShardWriter::ShardWriter(ShardOptions options) : options_(std::move(options)) {
  options_.key.validate();
  PERMAFROST_CHECK(options_.capacity >= 0 && options_.unit >= 0, "a shard needs a unit and a capacity");
  codec_ = options_.codec ? options_.codec : make_codec(options_.key.codec, options_.key.feature_shape());
  header_ = {.key = options_.key, .unit = options_.unit, .rejected = {}};
  key_sha256_ = options_.key.hash();
  partial_ = core::partial_name(options_.path);
  try {
    layout_ = create_shard_file(partial_, header_, options_.capacity);
    fd_ = open_existing(partial_);
  } catch (...) {
    remove_quietly(partial_);
    throw;
  }
}

ShardWriter::~ShardWriter() {
  fd_.reset();
  if (!partial_.empty()) remove_quietly(partial_);
}

void ShardWriter::write_at(const void* data, uint64_t bytes, uint64_t offset) {
  const auto* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t put = ::pwrite(fd_.get(), at, bytes, static_cast<off_t>(offset));
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw core::io_error(partial_, "write");
    at += put;
    offset += static_cast<uint64_t>(put);
    bytes -= static_cast<uint64_t>(put);
  }
}

void ShardWriter::append(const ClipRecord& record) { append_packed(pack(record, options_.key, *codec_)); }

void ShardWriter::append_packed(const std::vector<std::vector<uint8_t>>& packed) {
  PERMAFROST_CHECK(!partial_.empty(), options_.path + " is finished");
  PERMAFROST_CHECK(rows_ < options_.capacity, options_.path + " is full");
  std::vector<uint32_t> checksums;
  for (size_t column = 0; column < packed.size(); ++column) {
    const Field& field = layout_.fields[column];
    write_at(packed[column].data(), packed[column].size(), layout_.record_offset(field, rows_));
    checksums.push_back(field_crc(key_sha256_, options_.unit, rows_, field, packed[column].data()));
  }
  write_at(checksums.data(), checksums.size() * sizeof(uint32_t), layout_.checksum_offset(rows_, 0));
  ++rows_;
}

void ShardWriter::append(const std::vector<ClipRecord>& records) {
  const int64_t rows = rows_;
  try {
    for (const ClipRecord& record : records) append(record);
  } catch (...) {
    rows_ = rows;
    throw;
  }
}

// Contiguous datasets cannot shrink, but the rows of each are a prefix of it.
void ShardWriter::copy_to_fit() {
  const std::string full = partial_ + "-full";
  if (::rename(partial_.c_str(), full.c_str()) != 0) throw core::io_error(partial_, "rename");
  const ShardLayout from = layout_;
  const core::FileDescriptor source = std::move(fd_);
  const auto copy = [&](const std::string& name, uint64_t bytes) {
    std::vector<char> block(std::min<uint64_t>(bytes, uint64_t{8} << 20));
    for (uint64_t done = 0; done < bytes; done += block.size()) {
      block.resize(std::min<uint64_t>(block.size(), bytes - done));
      core::read_exactly(source.get(), full, block.data(), block.size(), from.offsets.at(name) + done);
      write_at(block.data(), block.size(), layout_.offsets.at(name) + done);
    }
  };
  try {
    layout_ = create_shard_file(partial_, header_, rows_);
    fd_ = open_existing(partial_);
    if (rows_ > 0) {
      for (const Field& field : layout_.fields) copy(field.name, field.record_bytes() * rows_);
      copy(kChecksumDataset, checksum_field(layout_.fields).record_bytes() * rows_);
    }
  } catch (...) {
    remove_quietly(full);
    throw;
  }
  remove_quietly(full);
}

ShardSummary ShardWriter::finish(const std::vector<RejectedVideo>& rejected) {
  PERMAFROST_CHECK(!partial_.empty(), options_.path + " is finished");
  header_.rejected = rejected;
  if (rows_ < options_.capacity || !rejected.empty()) copy_to_fit();
  if (::fsync(fd_.get()) != 0) throw core::io_error(partial_, "fsync");
  fd_.reset();
  const ShardReader written(partial_);
  written.verify_records();
  require_equal(options_.key, written.key(), partial_);
  const ShardSummary summary = summary_of(options_.path, written);
  core::publish(partial_, options_.path);
  partial_.clear();
  return summary;
}

}  // namespace permafrost::data
