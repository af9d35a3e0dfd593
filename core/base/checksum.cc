#include "core/base/checksum.h"

#include <openssl/evp.h>

#include <array>
#include <cstring>
#include <vector>

#include "core/base/error.h"
#include "core/base/file.h"

#if defined(__x86_64__)
#include <nmmintrin.h>
#endif

namespace permafrost::core {
namespace {

constexpr std::array<uint32_t, 256> make_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78u : 0u);
    table[i] = crc;
  }
  return table;
}

constexpr std::array<uint32_t, 256> kTable = make_table();

#if defined(__x86_64__)
constexpr size_t kLaneBytes = 4096;

// What a state becomes over kLaneBytes zero bytes, by each of its four bytes: the step is linear.
using LaneShift = std::array<std::array<uint32_t, 256>, 4>;

LaneShift make_lane_shift() {
  std::array<uint32_t, 32> by_bit{};
  for (size_t bit = 0; bit < 32; ++bit) {
    uint32_t state = uint32_t{1} << bit;
    for (size_t i = 0; i < kLaneBytes; ++i) state = (state >> 8) ^ kTable[state & 0xff];
    by_bit[bit] = state;
  }
  LaneShift shift{};
  for (size_t byte = 0; byte < 4; ++byte) {
    for (size_t value = 0; value < 256; ++value) {
      for (size_t bit = 0; bit < 8; ++bit) {
        if ((value >> bit & 1) != 0) shift[byte][value] ^= by_bit[8 * byte + bit];
      }
    }
  }
  return shift;
}

uint32_t over_a_lane(const LaneShift& shift, uint32_t state) {
  return shift[0][state & 0xff] ^ shift[1][state >> 8 & 0xff] ^ shift[2][state >> 16 & 0xff] ^ shift[3][state >> 24];
}

uint64_t word_at(const unsigned char* at) {
  uint64_t word;
  std::memcpy(&word, at, 8);
  return word;
}

// The instruction takes three cycles and can start each cycle: three lanes at once keep it busy.
__attribute__((target("sse4.2"))) uint32_t crc32c_sse42(const void* data, size_t bytes, uint32_t crc) {
  static const LaneShift shift = make_lane_shift();
  const auto* at = static_cast<const unsigned char*>(data);
  uint64_t state = ~crc;
  for (; bytes >= 3 * kLaneBytes; bytes -= 3 * kLaneBytes, at += 3 * kLaneBytes) {
    uint64_t second = 0, third = 0;
    for (size_t i = 0; i < kLaneBytes; i += 8) {
      state = _mm_crc32_u64(state, word_at(at + i));
      second = _mm_crc32_u64(second, word_at(at + kLaneBytes + i));
      third = _mm_crc32_u64(third, word_at(at + 2 * kLaneBytes + i));
    }
    state = over_a_lane(shift, static_cast<uint32_t>(state)) ^ second;
    state = over_a_lane(shift, static_cast<uint32_t>(state)) ^ third;
  }
  for (; bytes >= 8; bytes -= 8, at += 8) state = _mm_crc32_u64(state, word_at(at));
  for (; bytes > 0; --bytes, ++at) state = _mm_crc32_u8(static_cast<uint32_t>(state), *at);
  return ~static_cast<uint32_t>(state);
}
#endif

}  // namespace

uint32_t crc32c_portable(const void* data, size_t bytes, uint32_t crc) {
  const auto* at = static_cast<const unsigned char*>(data);
  crc = ~crc;
  for (size_t i = 0; i < bytes; ++i) crc = (crc >> 8) ^ kTable[(crc ^ at[i]) & 0xff];
  return ~crc;
}

uint32_t crc32c(const void* data, size_t bytes, uint32_t crc) {
#if defined(__x86_64__)
  static const bool has_instruction = __builtin_cpu_supports("sse4.2");
  if (has_instruction) return crc32c_sse42(data, bytes, crc);
#endif
  return crc32c_portable(data, bytes, crc);
}

struct Sha256::State {
  std::unique_ptr<EVP_MD_CTX, void (*)(EVP_MD_CTX*)> context{EVP_MD_CTX_new(), &EVP_MD_CTX_free};
};

Sha256::Sha256() : state_(std::make_unique<State>()) {
  PERMAFROST_CHECK(EVP_DigestInit_ex(state_->context.get(), EVP_sha256(), nullptr) == 1, "OpenSSL without SHA-256");
}

Sha256::~Sha256() = default;

void Sha256::update(const void* data, size_t bytes) { EVP_DigestUpdate(state_->context.get(), data, bytes); }

std::string Sha256::hex() {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned int length = 0;
  EVP_DigestFinal_ex(state_->context.get(), digest.data(), &length);
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string text;
  for (unsigned int i = 0; i < length; ++i) {
    text += kDigits[digest[i] >> 4];
    text += kDigits[digest[i] & 15];
  }
  return text;
}

std::string sha256_hex(std::string_view text) {
  Sha256 sha;
  sha.update(text);
  return sha.hex();
}

std::string sha256_of_file(const std::string& path) {
  Sha256 sha;
  for_each_block(path, [&](const char* data, size_t bytes) { sha.update(data, bytes); });
  return sha.hex();
}

uint32_t crc32c_of_file(const std::string& path) {
  uint32_t crc = 0;
  for_each_block(path, [&](const char* data, size_t bytes) { crc = crc32c(data, bytes, crc); });
  return crc;
}

}  // namespace permafrost::core
