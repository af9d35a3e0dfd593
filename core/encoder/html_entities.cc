#include "core/encoder/html_entities.h"

#include <algorithm>
#include <unordered_map>

#include "core/encoder/single_byte_encoding.h"
#include "core/encoder/unicode.h"

namespace permafrost::core {
namespace {

struct Entity {
  const char* name;
  const char* value;
};
constexpr Entity kEntities[] = {
#include "core/encoder/html_entities.inc"
};

constexpr size_t kLongestName = 32;        // characters of a name that are looked at, semicolon apart
constexpr size_t kLongestClosedName = 24;  // the same in the careful reading
constexpr char32_t kLastCodePoint = 0x10ffff;

using Values = std::unordered_map<std::u32string, std::u32string>;

const Values& entities() {
  static const Values kValues = [] {
    Values values;
    for (const Entity& entity : kEntities) values[decode_utf8(entity.name)] = decode_utf8(entity.value);
    return values;
  }();
  return kValues;
}

bool is_digit(char32_t c) { return c >= U'0' && c <= U'9'; }
bool is_hexadecimal(char32_t c) { return is_digit(c) || (c >= U'a' && c <= U'f') || (c >= U'A' && c <= U'F'); }
bool is_ascii_letter(char32_t c) { return (c >= U'a' && c <= U'z') || (c >= U'A' && c <= U'Z'); }

bool ends_a_name(char32_t c) { return std::u32string_view(U"\t\n\f <&#;").find(c) != std::u32string_view::npos; }

// The length of the run of characters from `at` on that hold `is`.
template <class Is>
size_t run_length(const std::u32string& text, size_t at, size_t most, Is is) {
  size_t length = 0;
  while (length < most && at + length < text.size() && is(text[at + length])) ++length;
  return length;
}

bool is_noncharacter(char32_t number) {
  const bool is_control =
      (number < 0x20 && number != U'\t' && number != U'\n' && number != U'\f') || (number >= 0x7f && number <= 0x9f);
  return is_control || (number >= 0xfdd0 && number <= 0xfdef) || (number & 0xfffe) == 0xfffe;
}

std::u32string character_of(char32_t number) {
  if (number == 0 || (number >= 0xd800 && number <= 0xdfff) || number > kLastCodePoint) return {kReplacementCharacter};
  if (number == U'\r') return U"\r";
  if (number >= 0x80 && number <= 0x9f) {
    return {SingleByteEncoding::windows_1252().decode(static_cast<unsigned char>(number))};
  }
  if (is_noncharacter(number)) return {};
  return {number};
}

struct Reference {
  size_t length = 0;  // code points from the ampersand on; 0: there is none
  std::u32string value;
};

Reference read_number(const std::u32string& text, size_t ampersand) {
  size_t at = ampersand + 2;
  const bool is_hex = at < text.size() && (text[at] == U'x' || text[at] == U'X');
  if (is_hex) ++at;
  const size_t digits = run_length(text, at, text.size(), is_hex ? is_hexadecimal : is_digit);
  if (digits == 0) return {};
  char32_t number = 0;
  for (size_t i = 0; i < digits; ++i) {
    const char32_t c = text[at + i];
    const char32_t digit = is_digit(c) ? c - U'0' : (c | 0x20) - U'a' + 10;
    number = std::min<char32_t>(number * (is_hex ? 16 : 10) + digit, kLastCodePoint + 1);
  }
  at += digits;
  if (at < text.size() && text[at] == U';') ++at;
  return {at - ampersand, character_of(number)};
}

// The longest name that the text begins with, of at least two characters; what follows it is kept.
Reference read_name(const std::u32string& text, size_t ampersand) {
  const size_t start = ampersand + 1;
  size_t length = run_length(text, start, kLongestName, [](char32_t c) { return !ends_a_name(c); });
  if (length == 0) return {};
  if (start + length < text.size() && text[start + length] == U';') ++length;
  for (size_t taken = length; taken > 1; --taken) {
    const auto found = entities().find(text.substr(start, taken));
    if (found != entities().end()) return {1 + taken, found->second};
  }
  return {};
}

Values capital_entities() {
  Values values;
  for (const auto& [name, value] : entities()) {
    if (!name.ends_with(U';') || name != to_lower(name)) continue;
    const std::u32string capitals = U"&" + to_upper(name);
    if (unescape_html(capitals) == capitals) values[to_upper(name)] = to_upper(value);
  }
  return values;
}

Reference read_closed(const std::u32string& text, size_t ampersand) {
  static const Values kCapitals = capital_entities();
  const bool is_number = ampersand + 1 < text.size() && text[ampersand + 1] == U'#';
  const size_t start = ampersand + (is_number ? 2 : 1);
  const size_t length =
      run_length(text, start, kLongestClosedName + 1, [](char32_t c) { return is_digit(c) || is_ascii_letter(c); });
  const size_t end = start + length;
  if (length == 0 || length > kLongestClosedName || end >= text.size() || text[end] != U';') return {};
  if (is_number) {
    const std::u32string value = unescape_html(text.substr(ampersand, end + 1 - ampersand));
    // A semicolon in the value: not all of the reference was read.
    return value.find(U';') == std::u32string::npos ? Reference{end + 1 - ampersand, value} : Reference{};
  }
  const std::u32string name = text.substr(start, length + 1);
  for (const Values* values : {&entities(), &kCapitals}) {
    if (const auto found = values->find(name); found != values->end()) return {end + 1 - ampersand, found->second};
  }
  return {};
}

template <class Read>
std::u32string replaced(const std::u32string& text, Read read) {
  if (text.find(U'&') == std::u32string::npos) return text;
  std::u32string result;
  for (size_t i = 0; i < text.size();) {
    const Reference reference = text[i] == U'&' ? read(text, i) : Reference{};
    result += reference.length > 0 ? reference.value : std::u32string(1, text[i]);
    i += std::max<size_t>(1, reference.length);
  }
  return result;
}

}  // namespace

std::u32string unescape_html(const std::u32string& text) {
  return replaced(text, [](const std::u32string& text, size_t ampersand) {
    const bool is_number = ampersand + 1 < text.size() && text[ampersand + 1] == U'#';
    return is_number ? read_number(text, ampersand) : read_name(text, ampersand);
  });
}

std::u32string unescape_closed_html(const std::u32string& text) { return replaced(text, read_closed); }

}  // namespace permafrost::core
