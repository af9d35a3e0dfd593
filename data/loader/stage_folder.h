// The folder on a node's disk that holds copies of one cache's shards: DIR/permafrost-<16 hex digits of the index>.
//
//   StageFolder folder("scratch", index);                 // what dead processes left in scratch is removed
//   if (folder.copy(source, shard, stopping) == StageFolder::Copied::kWhole) read(folder.path() + "/" + shard.file);
//
// A copy bears its name once it is whole and its CRC32C is the index's. It is not made durable: it lives as long as the
// process that holds the folder's lock.
#pragma once

#include <atomic>
#include <cstdint>
#include <string>

#include "core/base/file_lock.h"
#include "data/cache/cache_index.h"

namespace permafrost::data {

class StageFolder {
 public:
  enum class Copied { kWhole, kBadSource, kStopped };

  // Where copies of this cache lie, whoever makes them.
  static std::string path_in(const std::string& directory, const CacheIndex& index);

  // Creates the folder, empties it, and removes those of other caches that no living process holds. Throws IoError
  // where it cannot be made, is another user's, or another process holds it.
  StageFolder(const std::string& directory, const CacheIndex& index);
  // Removes the folder.
  ~StageFolder();
  StageFolder(const StageFolder&) = delete;
  StageFolder& operator=(const StageFolder&) = delete;

  const std::string& path() const { return path_; }
  // What the file system has to give: 1 GB of it stays free.
  uint64_t room_bytes() const;
  // Copies the shard from `source`. kBadSource: it cannot be read, or is not what the index says; nothing is left of
  // the copy then. Throws IoError where the folder or its disk is at fault.
  Copied copy(const std::string& source, const ShardSummary& shard, const std::atomic<bool>& is_stopping);
  void remove(const std::string& file);

 private:
  std::string path_;
  core::DirectoryLock lock_;
};

}  // namespace permafrost::data
