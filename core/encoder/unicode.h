// Text as code points, and what Unicode says of them. Thin over ICU, with Python's notion of a space.
//
//   std::u32string points = decode_utf8("Straße");
//   std::string lower = encode_utf8(to_lower(normalise(points, Normalisation::kComposed)));
//
// Nothing here throws: bytes that are no UTF-8 become U+FFFD, one for each. Surrogates may occur as code points,
// because broken text has them (text_cleaning.h puts them right).
#pragma once

#include <string>
#include <string_view>

namespace permafrost::core {

constexpr char32_t kReplacementCharacter = 0xfffd;

std::u32string decode_utf8(std::string_view text);
std::string encode_utf8(std::u32string_view points);

// What Python's str.isspace() says: White_Space, and the four separators U+001C to U+001F.
bool is_space(char32_t point);
bool is_letter(char32_t point);         // general category L*
bool is_number(char32_t point);         // general category N*
bool is_decimal_digit(char32_t point);  // general category Nd, of any script

// Full case mappings without a locale; a final capital sigma becomes the final small one.
std::u32string to_lower(const std::u32string& points);
std::u32string to_upper(const std::u32string& points);

enum class Normalisation { kComposed, kCompatibilityComposed };  // NFC, NFKC
std::u32string normalise(const std::u32string& points, Normalisation form);

}  // namespace permafrost::core
