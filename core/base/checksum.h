// CRC32C (Castagnoli) for records, SHA-256 for whole files and identities.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace permafrost::core {

// Continues `crc` (0 at first) over `bytes` bytes. crc32c("123456789") is 0xe3069283. Uses the processor's
// instruction where there is one.
uint32_t crc32c(const void* data, size_t bytes, uint32_t crc = 0);

// The portable implementation, the oracle of the other.
uint32_t crc32c_portable(const void* data, size_t bytes, uint32_t crc = 0);

// SHA-256 in steps: update() any number of times, then hex() once.
class Sha256 {
 public:
  Sha256();
  ~Sha256();
  Sha256(const Sha256&) = delete;
  Sha256& operator=(const Sha256&) = delete;

  void update(const void* data, size_t bytes);
  void update(std::string_view text) { update(text.data(), text.size()); }
  // 64 lower-case hexadecimal digits.
  std::string hex();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

std::string sha256_hex(std::string_view text);

// Throws IoError.
std::string sha256_of_file(const std::string& path);
uint32_t crc32c_of_file(const std::string& path);

}  // namespace permafrost::core
