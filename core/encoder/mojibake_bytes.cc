#include "core/encoder/mojibake_bytes.h"

#include <unicode/utf8.h>

#include <string_view>
#include <vector>

namespace permafrost::core {
namespace {

using Byte = unsigned char;

Byte byte_at(std::string_view bytes, size_t at) { return at < bytes.size() ? static_cast<Byte>(bytes[at]) : 0; }

struct Range {
  Byte first, last;
};
using Place = std::vector<Range>;  // one byte, of any of these ranges
using Sequence = std::vector<Place>;

bool matches(const Sequence& sequence, std::string_view bytes, size_t at) {
  if (at + sequence.size() > bytes.size()) return false;
  for (const Place& place : sequence) {
    bool fits = false;
    for (const Range& range : place) fits |= byte_at(bytes, at) >= range.first && byte_at(bytes, at) <= range.last;
    if (!fits) return false;
    ++at;
  }
  return true;
}

size_t first_match(const std::vector<Sequence>& sequences, std::string_view bytes, size_t at) {
  for (const Sequence& sequence : sequences) {
    if (matches(sequence, bytes, at)) return sequence.size();
  }
  return 0;
}

const Place kSpace{{0x20, 0x20}};
const Place kTail{{0x80, 0xbf}};
// Continuations beside which a lost A0 is likely: not A0 itself, nor 85, which stands for an ellipsis.
const Place kPlainTail{{0x80, 0x84}, {0x86, 0x9f}, {0xa1, 0xbf}};

// A space that was byte A0, in characters that are likely to be meant: before a space, only these lead bytes are.
const std::vector<Sequence> kSpaced{
    {{{0xc2, 0xc3}, {0xc5, 0xc5}, {0xce, 0xce}, {0xd0, 0xd0}, {0xd9, 0xd9}}, kSpace},
    {{{0xe2, 0xe3}}, kSpace, kPlainTail},
    {{{0xe0, 0xe3}}, kPlainTail, kSpace},
    {{{0xf0, 0xf0}}, kSpace, kTail, kTail},
    {{{0xf0, 0xf0}}, kTail, kSpace, kTail},
    {{{0xf0, 0xf0}}, kTail, kTail, kSpace},
};

const Place kLost{{0x1a, 0x1a}};
const Place kLostOrMark{{0x1a, 0x1a}, {'?', '?'}};
const Place kTailOrLost{{0x1a, 0x1a}, {0x80, 0xbf}};
const Place kTailLostOrMark{{0x1a, 0x1a}, {'?', '?'}, {0x80, 0xbf}};
const Place kLead3{{0xe0, 0xef}}, kLead4{{0xf0, 0xf4}}, kSurrogateLead{{0xed, 0xed}};
const Place kHigh{{0xa0, 0xaf}}, kLow{{0xb0, 0xbf}};

const std::vector<Sequence> kLossy{
    {{{0xc2, 0xdf}}, kLost},
    {{{0xc2, 0xc3}}, {{'?', '?'}}},
    {kSurrogateLead, kHigh, kLostOrMark, kSurrogateLead, kLow, kTailLostOrMark},
    {kSurrogateLead, kHigh, kTailLostOrMark, kSurrogateLead, kLow, kLostOrMark},
    {kLead3, kLostOrMark, kTailOrLost},
    {kLead3, kTailOrLost, kLostOrMark},
    {kLead4, kLostOrMark, kTailOrLost, kTailOrLost},
    {kLead4, kTailOrLost, kLostOrMark, kTailOrLost},
    {kLead4, kTailOrLost, kTailOrLost, kLostOrMark},
    {kLost},
};

// "Ã " alone is the word "à", whose space is a space: it gets its A0 beside it. Portuguese "às", "àquele", "àquela"
// and "àquilo" are words of one piece, and a second space says that one was the A0 already.
std::string restore_a_grave(const std::string& bytes) {
  std::string result;
  for (size_t i = 0; i < bytes.size(); ++i) {
    result += bytes[i];
    if (byte_at(bytes, i) != 0xc3 || byte_at(bytes, i + 1) != 0x20) continue;
    const std::string_view rest = std::string_view(bytes).substr(i + 2);
    bool is_one_word = false;
    for (const char* word : {" ", "quele", "quela", "quilo", "s "}) is_one_word |= rest.starts_with(word);
    if (!is_one_word) result += "\xa0";
  }
  return result;
}

bool is_cesu8(std::string_view bytes, size_t at) {
  static const Sequence kSurrogatePair{kSurrogateLead, kHigh, kTail, kSurrogateLead, kLow, kTail};
  return matches(kSurrogatePair, bytes, at);
}

char32_t read_cesu8(std::string_view bytes, size_t at) {
  const auto bits = [&](size_t i, Byte mask) { return static_cast<char32_t>(byte_at(bytes, at + i) & mask); };
  return 0x10000 + (bits(1, 0x0f) << 16 | bits(2, 0x3f) << 10 | bits(4, 0x0f) << 6 | bits(5, 0x3f));
}

// Java's U+0000. ftfy's reader also takes a C0 before the newline that ends the text, and both go.
bool is_null(std::string_view bytes, size_t at) {
  if (byte_at(bytes, at) != 0xc0) return false;
  return byte_at(bytes, at + 1) == 0x80 || bytes.substr(at + 1) == "\n";
}

std::optional<std::u32string> read(const std::string& bytes, bool has_variants) {
  std::u32string text;
  for (size_t i = 0; i < bytes.size();) {
    if (has_variants && is_null(bytes, i)) {
      text += U'\0';
      i += 2;
    } else if (has_variants && is_cesu8(bytes, i)) {
      text += read_cesu8(bytes, i);
      i += 6;
    } else {
      UChar32 point = 0;
      U8_NEXT(bytes.data(), i, bytes.size(), point);
      if (point < 0) return std::nullopt;
      text += static_cast<char32_t>(point);
    }
  }
  return text;
}

}  // namespace

std::string restore_nonbreaking_spaces(const std::string& bytes) {
  bool has_any = false;
  for (size_t i = 0; i < bytes.size() && !has_any; ++i) has_any = first_match(kSpaced, bytes, i) > 0;
  if (!has_any) return bytes;
  std::string result = restore_a_grave(bytes);
  for (size_t i = 0; i < result.size();) {
    const size_t length = first_match(kSpaced, result, i);
    for (size_t k = i; k < i + length; ++k) {
      if (result[k] == ' ') result[k] = '\xa0';
    }
    i += length > 0 ? length : 1;
  }
  return result;
}

std::string replace_lossy_sequences(const std::string& bytes) {
  std::string result;
  for (size_t i = 0; i < bytes.size();) {
    const size_t length = first_match(kLossy, bytes, i);
    result += length > 0 ? "\xef\xbf\xbd" : std::string(1, bytes[i]);
    i += length > 0 ? length : 1;
  }
  return result;
}

std::optional<std::u32string> read_utf8(const std::string& bytes) { return read(bytes, /*has_variants=*/false); }

std::optional<std::u32string> read_utf8_variants(const std::string& bytes) {
  return read(bytes, /*has_variants=*/true);
}

}  // namespace permafrost::core
