#include "core/base/checksum.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <fstream>
#include <string>

#include "core/base/random.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

TEST(Crc32c, HasTheStandardCheckValue) {
  EXPECT_EQ(crc32c("123456789", 9), 0xe3069283u);
  EXPECT_EQ(crc32c_portable("123456789", 9), 0xe3069283u);
}

std::string random_bytes(size_t count) {
  std::string bytes(count, '\0');
  RandomStream random(1, {});
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  return bytes;
}

// From 12288 bytes on three lanes are computed at once.
constexpr size_t kBlock = 12288;

TEST(Crc32c, AgreesWithThePortableOneAtEveryLengthAndOffset) {
  const std::string bytes = random_bytes(300);
  for (size_t offset = 0; offset < 9; ++offset) {
    for (size_t length = 0; length + offset <= bytes.size(); length += 7) {
      EXPECT_EQ(crc32c(bytes.data() + offset, length), crc32c_portable(bytes.data() + offset, length));
    }
  }
}

TEST(Crc32c, AgreesWithThePortableOneAroundWholeBlocksAndUnaligned) {
  const std::string bytes = random_bytes(4 * kBlock + 64);
  for (const size_t blocks : {1, 2, 3, 4}) {
    for (const size_t offset : {0, 1, 3, 7, 8, 13}) {
      for (size_t length = blocks * kBlock - 17; length <= blocks * kBlock + 17; ++length) {
        const char* at = bytes.data() + offset;
        ASSERT_EQ(crc32c(at, length, 0x12345678), crc32c_portable(at, length, 0x12345678))
            << length << " bytes from " << offset;
      }
    }
  }
}

TEST(Crc32c, OfPiecesIsThatOfTheWhole) {
  const std::string bytes = random_bytes(5 * kBlock + 5);
  const uint32_t whole = crc32c_portable(bytes.data(), bytes.size());
  for (const size_t piece : {size_t{1}, size_t{4095}, kBlock - 1, kBlock, kBlock + 1, 2 * kBlock + 3}) {
    uint32_t crc = 0;
    for (size_t at = 0; at < bytes.size(); at += piece) {
      crc = crc32c(bytes.data() + at, std::min(piece, bytes.size() - at), crc);
    }
    EXPECT_EQ(crc, whole) << "pieces of " << piece;
  }
}

TEST(Crc32c, ChangesWithEachLane) {
  std::string bytes = random_bytes(2 * kBlock);
  const uint32_t before = crc32c(bytes.data(), bytes.size());
  for (size_t at = 100; at < bytes.size(); at += kBlock / 3) {
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
    EXPECT_NE(crc32c(bytes.data(), bytes.size()), before) << at;
    bytes[at] = static_cast<char>(bytes[at] ^ 1);
  }
}

TEST(Crc32c, ContinuesWhereItStopped) { EXPECT_EQ(crc32c("56789", 5, crc32c("1234", 4)), crc32c("123456789", 9)); }

TEST(Sha256, HasThePublishedDigests) {
  EXPECT_EQ(sha256_hex(""), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(sha256_hex("abc"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

TEST(Sha256, OfAFileEqualsThatOfItsBytes) {
  const permafrost::testing::TemporaryDirectory directory;
  const std::string text(3'000'000, 'x');
  std::ofstream(directory / "file") << text;
  EXPECT_EQ(sha256_of_file(directory / "file"), sha256_hex(text));
}

}  // namespace
}  // namespace permafrost::core
