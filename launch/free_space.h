// Whether a result fits on the disk, before hours are spent on it.
#pragma once

#include <cstdint>
#include <string>

namespace permafrost::launch {

// Throws IoError naming both sizes where the file system of `directory` has less than `bytes` to give.
void require_free_space(const std::string& directory, uint64_t bytes);

}  // namespace permafrost::launch
