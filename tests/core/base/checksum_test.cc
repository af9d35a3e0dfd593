#include "core/base/checksum.h"

#include <gtest/gtest.h>

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

TEST(Crc32c, AgreesWithThePortableOneAtEveryLengthAndOffset) {
  std::string bytes(300, '\0');
  RandomStream random(1, {});
  for (char& byte : bytes) byte = static_cast<char>(random.next());
  for (size_t offset = 0; offset < 9; ++offset) {
    for (size_t length = 0; length + offset <= bytes.size(); length += 7) {
      EXPECT_EQ(crc32c(bytes.data() + offset, length), crc32c_portable(bytes.data() + offset, length));
    }
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
