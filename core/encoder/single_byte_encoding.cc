#include "core/encoder/single_byte_encoding.h"

#include <unicode/ucnv.h>

#include <memory>

#include "core/base/error.h"
#include "core/encoder/unicode.h"

namespace permafrost::core {
namespace {

constexpr const char* kMacRoman = "macos-0_2-10.2";
constexpr unsigned char kSubstitute = 0x1a;
constexpr char32_t kGreekMu = 0x3bc, kMicroSign = 0xb5;  // code page 437's E6: IBM's table and everybody else's

struct CloseConverter {
  void operator()(UConverter* converter) const { ucnv_close(converter); }
};
using Converter = std::unique_ptr<UConverter, CloseConverter>;

// Where a table has no character, ICU gives U+FFFD, a control character or one for private use.
bool is_no_character(char32_t point) {
  return point == kReplacementCharacter || (point >= 0x80 && point < 0xa0) || (point >= 0xf700 && point < 0xf8ff);
}

}  // namespace

SingleByteEncoding::SingleByteEncoding(const char* icu_name, bool is_sloppy)
    : is_sloppy_(is_sloppy), is_mac_roman_(std::string(icu_name) == kMacRoman) {
  UErrorCode status = U_ZERO_ERROR;
  const Converter converter(ucnv_open(icu_name, &status));
  PERMAFROST_CHECK(U_SUCCESS(status), std::string("ICU has no converter ") + icu_name);
  for (size_t i = 0; i < points_.size(); ++i) {
    points_[i] = static_cast<char32_t>(i);
    if (i < 0x80) continue;  // ASCII; ICU's code page 437 exchanges some of its control characters
    const char byte = static_cast<char>(i);
    char16_t unit = 0;
    status = U_ZERO_ERROR;
    ucnv_toUChars(converter.get(), &unit, 1, &byte, 1, &status);
    if (is_no_character(unit)) {
      undefined_[i] = true;
    } else {
      points_[i] = unit;
    }
  }
  if (points_[0xe6] == kGreekMu) points_[0xe6] = kMicroSign;
  if (is_sloppy) points_[kSubstitute] = kReplacementCharacter;
  for (size_t i = 0; i < points_.size(); ++i) bytes_[points_[i]] = static_cast<unsigned char>(i);
}

const std::vector<SingleByteEncoding>& SingleByteEncoding::all() {
  static const std::vector<SingleByteEncoding> kAll{
      {"ISO-8859-1", false},  {"windows-1252", true},      {"windows-1251", true}, {"windows-1250", true},
      {"windows-1253", true}, {"windows-1254", true},      {"windows-1257", true}, {"ISO-8859-2", false},
      {kMacRoman, false},     {"ibm-437_P100-1995", false}};
  return kAll;
}

const SingleByteEncoding& SingleByteEncoding::latin_1() { return all()[0]; }
const SingleByteEncoding& SingleByteEncoding::windows_1252() { return all()[1]; }

std::optional<std::string> SingleByteEncoding::encode(const std::u32string& text) const {
  std::string bytes;
  bytes.reserve(text.size());
  for (const char32_t point : text) {
    const auto byte = bytes_.find(point);
    if (byte == bytes_.end()) return std::nullopt;
    bytes += static_cast<char>(byte->second);
  }
  return bytes;
}

}  // namespace permafrost::core
