// The single-byte encodings that broken text has gone through. Tables are ICU's.
//
//   const std::optional<std::string> bytes = SingleByteEncoding::windows_1252().encode(U"Ã¶");   // "\xc3\xb6"
//
// Those of Windows are read as programs read them, not as they are specified: a byte that means nothing stands for
// itself, as in Latin-1, and byte 1A stands for U+FFFD, the character that already replaced an unreadable one.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace permafrost::core {

class SingleByteEncoding {
 public:
  // `icu_name` as in ICU's list of converters; ASCII is ASCII in all of them.
  SingleByteEncoding(const char* icu_name, bool is_sloppy);

  static const SingleByteEncoding& latin_1();
  static const SingleByteEncoding& windows_1252();
  // All that are tried on mojibake, the likely ones first: Latin-1, Windows-1252, 1251, 1250, 1253, 1254, 1257,
  // ISO-8859-2, Mac Roman, code page 437.
  static const std::vector<SingleByteEncoding>& all();

  char32_t decode(unsigned char byte) const { return points_[byte]; }
  // Nothing where a character has no byte.
  std::optional<std::string> encode(const std::u32string& text) const;

  bool is_sloppy() const { return is_sloppy_; }
  bool is_mac_roman() const { return is_mac_roman_; }
  // Whether a byte of 80 to FF means nothing and stands for itself.
  bool is_undefined(unsigned char byte) const { return undefined_[byte]; }

 private:
  bool is_sloppy_, is_mac_roman_;
  std::array<char32_t, 256> points_;
  std::unordered_map<char32_t, unsigned char> bytes_;
  std::array<bool, 256> undefined_{};
};

}  // namespace permafrost::core
