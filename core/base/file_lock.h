// One owner at a time for a directory that a job writes.
//
//   DirectoryLock lock("runs/a");   // throws IoError naming the owner's host and pid where there is one
//
// An advisory lock of the system on DIR/.lock: it goes with its process however that ends, so none is ever stale. The
// file's text says who holds it.
#pragma once

#include <string>

#include "core/base/file.h"

namespace permafrost::core {

class DirectoryLock {
 public:
  // Creates the directory if need be.
  explicit DirectoryLock(const std::string& directory);
  // Whether DIR/.lock is still the file that is locked: not where an earlier owner removed it while this one took it.
  bool is_current() const;

 private:
  std::string path_;
  FileDescriptor fd_;
};

}  // namespace permafrost::core
