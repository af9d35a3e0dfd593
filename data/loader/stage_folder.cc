#include "data/loader/stage_folder.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <system_error>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/log.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

constexpr char kPrefix[] = "permafrost-";
constexpr size_t kHexDigits = 16;
constexpr uint64_t kBlockBytes = uint64_t{4} << 20;
constexpr uint64_t kFreeBytes = 1'000'000'000;  // of the file system, for others

bool is_stage_name(const std::string& name) {
  return name.starts_with(kPrefix) && name.size() == sizeof kPrefix - 1 + kHexDigits &&
         name.find_first_not_of("0123456789abcdef", sizeof kPrefix - 1) == std::string::npos;
}

// A folder, no link to one, of this user.
bool is_own_folder(const std::string& path) {
  struct stat info {};
  return ::lstat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode) && info.st_uid == ::geteuid();
}

// Whole copies and partial ones, and nothing that a stranger put there.
void remove_copies(const std::string& path) {
  std::error_code ignored;
  std::vector<fs::path> copies;
  for (const fs::directory_entry& entry : fs::directory_iterator(path, ignored)) {
    if (entry.path().filename().string().starts_with("shard-")) copies.push_back(entry.path());
  }
  for (const fs::path& copy : copies) fs::remove(copy, ignored);
}

// The caller holds its lock.
void remove_folder(const std::string& path) {
  remove_copies(path);
  std::error_code ignored;
  fs::remove(path + "/.lock", ignored);
  fs::remove(path, ignored);  // fails where something else is in it
}

void remove_leftovers(const std::string& directory, const std::string& kept) {
  std::error_code ignored;
  std::vector<std::string> found;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory, ignored)) {
    if (is_stage_name(entry.path().filename().string())) found.push_back(entry.path().string());
  }
  for (const std::string& path : found) {
    if (path == kept || !is_own_folder(path)) continue;
    try {
      const core::DirectoryLock lock(path);
      if (!lock.is_current()) continue;
      core::log_info() << path << ": left over by a process that is gone: removed";
      remove_folder(path);
    } catch (const core::IoError&) {
      continue;  // of a living process
    }
  }
}

core::DirectoryLock take(const std::string& path) {
  core::DirectoryLock lock(path);
  if (!is_own_folder(path)) throw core::IoError(path + ": expected a folder of this user's: give another --stage");
  if (!lock.is_current()) throw core::IoError(path + ": removed by its last owner just now: try again");
  return lock;
}

// A file that is removed unless it was given its final name.
class PartialFile {
 public:
  explicit PartialFile(const std::string& path)
      : path_(path), partial_(core::partial_name(path)), fd_(core::open_for_writing(partial_)) {}
  ~PartialFile() {
    std::error_code ignored;
    if (!is_named_) fs::remove(partial_, ignored);
  }
  PartialFile(const PartialFile&) = delete;
  PartialFile& operator=(const PartialFile&) = delete;

  void write(const std::vector<char>& data, size_t bytes) { core::write_all(fd_.get(), partial_, data.data(), bytes); }
  void give_name() {
    if (::rename(partial_.c_str(), path_.c_str()) != 0) throw core::io_error(path_, "give the copy its name");
    is_named_ = true;
  }

 private:
  std::string path_, partial_;
  core::FileDescriptor fd_;
  bool is_named_ = false;
};

// Block after block; whatever is wrong with it is the reader's to tell.
class Source {
 public:
  Source(const std::string& path, uint64_t bytes) : path_(path) {
    try {
      if (core::file_bytes(path) == bytes) fd_ = core::open_for_reading(path);
    } catch (const core::Error&) {
    }
  }
  bool read(std::vector<char>& block, uint64_t bytes, uint64_t offset) const {
    if (!fd_.is_valid()) return false;
    try {
      core::read_exactly(fd_.get(), path_, block.data(), bytes, offset);
      return true;
    } catch (const core::Error&) {
      return false;
    }
  }

 private:
  std::string path_;
  core::FileDescriptor fd_;
};

}  // namespace

std::string StageFolder::path_in(const std::string& directory, const CacheIndex& index) {
  core::Sha256 sha;
  sha.update(index.key.hash());
  for (const ShardSummary& shard : index.shards) {
    sha.update(shard.file + "\t" + std::to_string(shard.bytes) + "\t" + std::to_string(shard.crc32c) + "\n");
  }
  return directory + "/" + kPrefix + sha.hex().substr(0, kHexDigits);
}

StageFolder::StageFolder(const std::string& directory, const CacheIndex& index)
    : path_(path_in(directory, index)), lock_(take(path_)) {
  remove_copies(path_);
  remove_leftovers(directory, path_);
}

StageFolder::~StageFolder() {
  if (lock_.is_current()) remove_folder(path_);
}

uint64_t StageFolder::room_bytes() const {
  std::error_code error;
  const fs::space_info space = fs::space(path_, error);
  if (error) return 0;
  return space.available > kFreeBytes ? space.available - kFreeBytes : 0;
}

StageFolder::Copied StageFolder::copy(const std::string& source, const ShardSummary& shard,
                                      const std::atomic<bool>& is_stopping) {
  const Source from(source, shard.bytes);
  PartialFile to(path_ + "/" + shard.file);
  std::vector<char> block(std::min(kBlockBytes, shard.bytes));
  uint32_t crc = 0;
  for (uint64_t done = 0; done < shard.bytes;) {
    if (is_stopping) return Copied::kStopped;
    const uint64_t bytes = std::min<uint64_t>(block.size(), shard.bytes - done);
    if (!from.read(block, bytes, done)) return Copied::kBadSource;
    crc = core::crc32c(block.data(), bytes, crc);
    to.write(block, bytes);
    done += bytes;
  }
  if (crc != shard.crc32c) return Copied::kBadSource;
  to.give_name();
  return Copied::kWhole;
}

void StageFolder::remove(const std::string& file) {
  std::error_code ignored;
  fs::remove(path_ + "/" + file, ignored);
}

}  // namespace permafrost::data
