// A folder of a measurement's own, removed at its end.
//
//   const TemporaryFolder folder;
//   write_to(folder.path());
#pragma once

#include <cstdlib>
#include <filesystem>
#include <string>

#include "core/base/error.h"

namespace permafrost::launch {

class TemporaryFolder {
 public:
  // Throws IoError where it cannot be made.
  TemporaryFolder() : path_((std::filesystem::temp_directory_path() / "permafrost-bench-XXXXXX").string()) {
    if (::mkdtemp(path_.data()) == nullptr) throw core::io_error(path_, "make");
  }
  ~TemporaryFolder() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace permafrost::launch
