#include "core/encoder/text_cleaning.h"

#include <algorithm>
#include <unordered_map>

#include "core/encoder/html_entities.h"
#include "core/encoder/mojibake.h"
#include "core/encoder/unicode.h"

namespace permafrost::core {
namespace {

constexpr size_t kLongestSegment = 1'000'000;  // code points repaired at once
constexpr char32_t kEscape = 0x1b;

// Latin letters that were drawn as one, and digraphs that old encodings had as one character.
const std::unordered_map<char32_t, std::u32string_view>& ligatures() {
  static const std::unordered_map<char32_t, std::u32string_view> kLigatures{
      {U'Ĳ', U"IJ"},      {U'ĳ', U"ij"},      {U'ŉ', U"ʼn"},      {U'Ǳ', U"DZ"},       {U'ǲ', U"Dz"},
      {U'ǳ', U"dz"},      {U'Ǆ', U"DŽ"},      {U'ǅ', U"Dž"},      {U'ǆ', U"dž"},       {U'Ǉ', U"LJ"},
      {U'ǈ', U"Lj"},      {U'ǉ', U"lj"},      {U'Ǌ', U"NJ"},      {U'ǋ', U"Nj"},       {U'ǌ', U"nj"},
      {U'\ufb00', U"ff"}, {U'\ufb01', U"fi"}, {U'\ufb02', U"fl"}, {U'\ufb03', U"ffi"}, {U'\ufb04', U"ffl"},
      {U'\ufb05', U"ſt"}, {U'\ufb06', U"st"}};
  return kLigatures;
}

// Full-width and half-width forms have their usual one as compatibility equivalent; so has the ideographic space.
bool has_width(char32_t c) { return c == 0x3000 || (c >= 0xff01 && c <= 0xffef); }

std::u32string with_usual_letters(const std::u32string& text) {
  std::u32string apart;
  for (const char32_t c : text) {
    const auto ligature = ligatures().find(c);
    apart += ligature == ligatures().end() ? std::u32string_view(&c, 1) : ligature->second;
  }
  std::u32string result;
  for (const char32_t c : apart) {
    const std::u32string one(1, c);
    result += has_width(c) ? normalise(one, Normalisation::kCompatibilityComposed) : one;
  }
  return result;
}

char32_t straight_quote(char32_t c) {
  if (c >= 0x201c && c <= 0x201f) return U'"';
  if (c == 0x2bc || (c >= 0x2018 && c <= 0x201b)) return U'\'';
  return c;
}

std::u32string with_unix_line_breaks(const std::u32string& text) {
  std::u32string result;
  for (size_t i = 0; i < text.size(); ++i) {
    const char32_t c = text[i];
    const bool is_first_of_two = c == U'\r' && i + 1 < text.size() && text[i + 1] == U'\n';
    if (is_first_of_two) continue;
    result += c == U'\r' || c == 0x2028 || c == 0x2029 || c == 0x85 ? U'\n' : c;
  }
  return result;
}

bool is_high_surrogate(char32_t c) { return c >= 0xd800 && c <= 0xdbff; }
bool is_low_surrogate(char32_t c) { return c >= 0xdc00 && c <= 0xdfff; }

std::u32string without_surrogates(const std::u32string& text) {
  std::u32string result;
  for (size_t i = 0; i < text.size(); ++i) {
    if (is_high_surrogate(text[i]) && i + 1 < text.size() && is_low_surrogate(text[i + 1])) {
      result += 0x10000 + ((text[i] - 0xd800) << 10) + (text[i + 1] - 0xdc00);
      ++i;
    } else {
      result += is_high_surrogate(text[i]) || is_low_surrogate(text[i]) ? kReplacementCharacter : text[i];
    }
  }
  return result;
}

// The length of a terminal's escape sequence, ESC [ numbers letter; 0: there is none at `at`.
size_t terminal_escape(const std::u32string& text, size_t at) {
  if (text[at] != kEscape || at + 1 >= text.size() || text[at + 1] != U'[') return 0;
  size_t end = at + 2;
  while (end < text.size() && (is_decimal_digit(text[end]) || text[end] == U';')) ++end;
  const bool has_letter =
      end < text.size() && ((text[end] >= U'a' && text[end] <= U'z') || (text[end] >= U'A' && text[end] <= U'Z'));
  return has_letter ? end + 1 - at : 0;
}

std::u32string without_terminal_escapes(const std::u32string& text) {
  std::u32string result;
  for (size_t i = 0; i < text.size();) {
    const size_t length = terminal_escape(text, i);
    if (length == 0) result += text[i];
    i += std::max<size_t>(1, length);
  }
  return result;
}

// Controls that show nothing: not white space, not the C1 range (mojibake needs it), not joiners and directions.
bool is_idle_control(char32_t c) {
  const bool is_ascii = (c < 0x20 && c != U'\t' && c != U'\n' && c != U'\f' && c != U'\r') || c == 0x7f;
  return is_ascii || (c >= 0x206a && c <= 0x206f) || c == 0xfeff || (c >= 0xfff9 && c <= 0xfffc);
}

std::u32string fix_segment(std::u32string text, bool has_references) {
  for (;;) {
    std::u32string fixed = has_references ? unescape_closed_html(text) : text;
    fixed = with_usual_letters(repair_c1_controls(repair_mojibake(fixed)));
    std::transform(fixed.begin(), fixed.end(), fixed.begin(), straight_quote);
    fixed = without_terminal_escapes(without_surrogates(with_unix_line_breaks(fixed)));
    std::erase_if(fixed, is_idle_control);
    fixed = normalise(fixed, Normalisation::kComposed);
    if (fixed == text) return fixed;
    text = std::move(fixed);
  }
}

std::u32string with_single_spaces(const std::u32string& text) {
  std::u32string result;
  bool is_due = false;  // a space, before the next word
  for (const char32_t c : text) {
    if (is_space(c)) {
      is_due = !result.empty();
      continue;
    }
    if (is_due) result += U' ';
    is_due = false;
    result += c;
  }
  return result;
}

}  // namespace

std::u32string fix_text(const std::u32string& text) {
  std::u32string result;
  bool has_references = true;  // until the first "<"
  for (size_t start = 0; start < text.size();) {
    const size_t newline = text.find(U'\n', start);
    const size_t end = std::min(newline == std::u32string::npos ? text.size() : newline + 1, start + kLongestSegment);
    const std::u32string segment = text.substr(start, end - start);
    has_references = has_references && segment.find(U'<') == std::u32string::npos;
    result += fix_segment(segment, has_references);
    start = end;
  }
  return result;
}

std::u32string clean_text(const std::u32string& text) {
  return to_lower(with_single_spaces(unescape_html(unescape_html(fix_text(text)))));
}

std::string clean_text(std::string_view text) { return encode_utf8(clean_text(decode_utf8(text))); }

}  // namespace permafrost::core
