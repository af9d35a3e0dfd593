#include "launch/free_space.h"

#include <cstdio>
#include <filesystem>

#include "core/base/error.h"

namespace permafrost::launch {

void require_free_space(const std::string& directory, uint64_t bytes) {
  std::error_code error;
  const std::filesystem::space_info space = std::filesystem::space(directory, error);
  if (error || space.available >= bytes) return;  // some network file systems cannot say
  char text[160];
  std::snprintf(text, sizeof text, ": %.2f GB to be written, %.2f GB free: make room, or choose a smaller codec",
                static_cast<double>(bytes) / 1e9, static_cast<double>(space.available) / 1e9);
  throw core::IoError(directory + text);
}

}  // namespace permafrost::launch
