#include "core/encoder/unicode.h"

#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/ustring.h>

#include "core/base/error.h"

namespace permafrost::core {
namespace {

constexpr char32_t kFirstSurrogate = 0xd800, kLastSurrogate = 0xdfff;

std::u16string to_utf16(const std::u32string& points) {
  std::u16string units;
  units.reserve(points.size());
  for (const char32_t point : points) {
    if (point < 0x10000) {
      units += static_cast<char16_t>(point);
    } else {
      units += static_cast<char16_t>(U16_LEAD(point));
      units += static_cast<char16_t>(U16_TRAIL(point));
    }
  }
  return units;
}

std::u32string from_utf16(const std::u16string& units) {
  std::u32string points;
  points.reserve(units.size());
  for (size_t i = 0; i < units.size();) {
    UChar32 point = 0;
    U16_NEXT(units.data(), i, units.size(), point);
    points += static_cast<char32_t>(point);
  }
  return points;
}

// Calls an ICU function that writes into a buffer and tells how much it wanted; once more where that was more.
template <class Transform>
std::u32string transformed(const std::u32string& points, Transform transform) {
  const std::u16string source = to_utf16(points);
  std::u16string result(source.size() + 16, u'\0');
  for (;;) {
    UErrorCode status = U_ZERO_ERROR;
    const int32_t units = transform(source, result.data(), static_cast<int32_t>(result.size()), &status);
    const bool fits = units <= static_cast<int32_t>(result.size());
    PERMAFROST_CHECK(!fits || U_SUCCESS(status), u_errorName(status));
    result.resize(static_cast<size_t>(units));
    if (fits) return from_utf16(result);
  }
}

}  // namespace

std::u32string decode_utf8(std::string_view text) {
  std::u32string points;
  points.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    const auto byte = [&](size_t at) { return at < text.size() ? static_cast<unsigned char>(text[at]) : 0; };
    const bool is_surrogate = byte(i) == 0xed && byte(i + 1) >= 0xa0 && byte(i + 1) < 0xc0 && (byte(i + 2) >> 6) == 2;
    if (is_surrogate) {
      points += static_cast<char32_t>(0xd000 | (byte(i + 1) & 0x3f) << 6 | (byte(i + 2) & 0x3f));
      i += 3;
      continue;
    }
    const size_t start = i;
    UChar32 point = 0;
    U8_NEXT(text.data(), i, text.size(), point);
    if (point < 0) i = start + 1;
    points += point < 0 ? kReplacementCharacter : static_cast<char32_t>(point);
  }
  return points;
}

std::string encode_utf8(std::u32string_view points) {
  std::string text;
  text.reserve(points.size());
  for (const char32_t point : points) {
    const bool is_surrogate = point >= kFirstSurrogate && point <= kLastSurrogate;
    char bytes[U8_MAX_LENGTH];
    int32_t length = 0;
    U8_APPEND_UNSAFE(bytes, length, static_cast<UChar32>(is_surrogate ? kReplacementCharacter : point));
    text.append(bytes, static_cast<size_t>(length));
  }
  return text;
}

bool is_space(char32_t point) {
  return (point >= 0x1c && point <= 0x1f) || u_isUWhiteSpace(static_cast<UChar32>(point));
}

bool is_letter(char32_t point) { return (U_MASK(u_charType(static_cast<UChar32>(point))) & U_GC_L_MASK) != 0; }

bool is_number(char32_t point) { return (U_MASK(u_charType(static_cast<UChar32>(point))) & U_GC_N_MASK) != 0; }

bool is_decimal_digit(char32_t point) { return u_isdigit(static_cast<UChar32>(point)); }

std::u32string to_lower(const std::u32string& points) {
  return transformed(points, [](const std::u16string& source, char16_t* to, int32_t room, UErrorCode* status) {
    return u_strToLower(to, room, source.data(), static_cast<int32_t>(source.size()), "", status);
  });
}

std::u32string to_upper(const std::u32string& points) {
  return transformed(points, [](const std::u16string& source, char16_t* to, int32_t room, UErrorCode* status) {
    return u_strToUpper(to, room, source.data(), static_cast<int32_t>(source.size()), "", status);
  });
}

std::u32string normalise(const std::u32string& points, Normalisation form) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* normaliser =
      form == Normalisation::kComposed ? unorm2_getNFCInstance(&status) : unorm2_getNFKCInstance(&status);
  PERMAFROST_CHECK(U_SUCCESS(status), u_errorName(status));
  return transformed(points, [&](const std::u16string& source, char16_t* to, int32_t room, UErrorCode* status) {
    return unorm2_normalize(normaliser, source.data(), static_cast<int32_t>(source.size()), to, room, status);
  });
}

}  // namespace permafrost::core
