#include "core/encoder/mojibake_rules.h"

#include <algorithm>
#include <cstdint>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "core/encoder/unicode.h"

namespace permafrost::core {
namespace {

using Categories = uint32_t;  // a set of the bits below
enum Category : Categories {
  kC1 = 1 << 0,            // control characters that nobody means
  kBad = 1 << 1,           // hardly ever meant
  kLaw = 1 << 2,           // section signs
  kCurrency = 1 << 3,      //
  kOpening = 1 << 4,       // punctuation before a word
  kClosing = 1 << 5,       // punctuation after a word
  kNumeric = 1 << 6,       //
  kKaomoji = 1 << 7,       // letters that faces are drawn with
  kUpper = 1 << 8,         // capitals with accents, but for those of faces
  kLower = 1 << 9,         // small letters with accents, likewise
  kUpperCommon = 1 << 10,  // capitals of Greek and Cyrillic
  kLowerCommon = 1 << 11,  // small letters of Greek and Cyrillic
  kBox = 1 << 12,          // line drawing
  kCommon = 1 << 13,       // punctuation of every text
  kAsciiUpper = 1 << 14,
  kAsciiLower = 1 << 15,
  kSpace = 1 << 16,
  kWord = 1 << 17,  // letters, numbers, the underscore
  kNoAsciiLetter = 1 << 18,
  kNoNewline = 1 << 19,
};
constexpr Categories kAsciiLetter = kAsciiUpper | kAsciiLower;
constexpr Categories kAccented = kUpper | kLower;
constexpr Categories kPunctuation = kOpening | kClosing;

struct Members {
  Category category;
  std::u32string_view characters;  // "a-z" is a range
};
constexpr Members kMembers[] = {
    {kC1, U"\u0080-\u009f"},
    {kBad, U"¤¦¨ª¬¯¸ºƒˆˇ˘˛˜†‡‰⌐◊\ufffd"},
    {kLaw, U"§¶"},
    {kCurrency, U"¢£¥₧€"},
    {kOpening, U"¡©«¿΄΅‘‚“„•‹\uf8ff"},
    {kClosing, U"®»˝”›™"},
    {kNumeric, U"±²³µ¹¼½¾×÷⁄№∂∆∏∑√∞∩∫≈≠≡≤≥"},
    {kKaomoji, U"°Ò-ÖÙ-Üò-öø-üŌŐŪŲ"},
    {kUpper, U"À-ÑØÜÝĀĂĄĆČĎĐĒĖĘĚĞĢĪİĶĹĻĽŁŃŅŇŒŘŚŞŠŢŤŮŰŸŹŻŽҐ"},
    {kLower, U"ß-ñüāăąćčďđēėęěğģīįķĺļľłœŕśşšťźżžґ\ufb01\ufb02"},
    {kUpperCommon, U"ÞΆΈΉΊΌΎΏΑ-ΫЁ-Я"},
    {kLowerCommon, U"ά-ωа-џ"},
    {kBox, U"│┌┐┘├┤┬┼═-╬▀▄█▌▐-▓"},
    {kCommon, U"\u00a0\u00ad´·\u2013\u2014\u2015’…"},
    {kAsciiUpper, U"A-Z"},
    {kAsciiLower, U"a-z"},
};

// One place of a sequence: a character of one of the categories, or one of these.
struct Place {
  Categories categories = 0;
  std::u32string_view characters = {};
};
using Sequence = std::vector<Place>;

constexpr Categories kCyrillicFiller = kC1 | kBad | kPunctuation | kCurrency;
constexpr Place kArabicLead{0, U"ØÙ"};
constexpr Place kArabicFiller{kCommon | kCurrency | kBad | kNumeric | kOpening, U"ŸŠ®°µ»"};

// What no language writes.
const Sequence kAnywhere[] = {
    {{kC1}},
    {{kBad | kAccented | kBox | kPunctuation | kCurrency | kNumeric | kLaw}, {kBad}},
    {{kAsciiLetter}, {kLowerCommon | kUpperCommon}, {kBad}},
    {{kBad}, {kAccented | kBox | kPunctuation | kCurrency | kNumeric | kLaw}},
    {{kLower | kLowerCommon | kBox | kClosing | kCurrency | kNumeric}, {kUpper}},
    {{kBox | kClosing | kCurrency | kNumeric}, {kLower}},
    {{kLower | kBox | kClosing}, {kCurrency}},
    {{kSpace}, {kUpper}, {kCurrency}},
    {{kUpper | kBox}, {kNumeric | kLaw}},
    {{kAccented | kBox | kCurrency | kClosing}, {kOpening}, {kNumeric}},
    {{kAccented | kCurrency | kNumeric | kBox | kLaw}, {kClosing}, {kOpening}},
    {{kCurrency | kNumeric | kBox}, {kOpening}},
    {{kAsciiLower}, {kUpper}, {kOpening | kCurrency}},
    {{kBox}, {kKaomoji}},
    {{kAccented | kCurrency | kNumeric | kPunctuation | kLaw}, {kBox}},
    {{kBox}, {kClosing}},
    {{kAccented}, {kPunctuation}, {kWord}},
    {{0, U"Œœ"}, {kNoAsciiLetter}},
    {{kUpper}, {0, U"°"}},
    // UTF-8 read as Windows-1252: two bytes, Arabic, South Asian; à, á and the space that does not break.
    {{0, U"ÂÃÎÐ"}, {kPunctuation, U"€œŠš¢£Ÿž\u00a0\u00ad®©°·»\u2013\u2014´"}},
    {{0, U"×"}, {0, U"²³"}},
    {kArabicLead, kArabicFiller, kArabicLead, kArabicFiller},
    {{0, U"à"}, {0, U"²µ¹¼½¾"}},
    {{0, U"Ã"}, {0, U"\u00a0¡"}},
    {{kAsciiLower}, {0, U"ÃÂ"}, {0, U" "}},
    {{kAsciiLower}, {kSpace}, {0, U"ÃÂ"}, {0, U" "}},
    {{kAsciiLower | kClosing, U".,?!"}, {0, U"Â"}, {kPunctuation, U" "}},
    // As Mac Roman.
    {{0, U"√"}, {0, U"±∂†≠®™´≤≥¥µø"}},
    {{0, U"≈"}, {0, U"°¢"}},
    {{0, U"‚"}, {0, U"Ä"}, {0, U"ìîïòôúùû†°¢π"}},
    {{0, U"‚"}, {0, U"âó"}, {0, U"àä°ê"}},
    // As Windows-1251: punctuation, Cyrillic, and twice over.
    {{0, U"в"}, {0, U"Ђ"}},
    {{0, U"ВГРС"}, {kCyrillicFiller, U"°µ"}, {0, U"ВГРС"}},
    {{0, U"Г"}, {0, U"ў"}, {0, U"В"}, {0, U"Ђ"}, {0, U"В"}, {kNoNewline}, {kAsciiLetter, U" "}},
    // As Windows-1253 and 1257.
    {{0, U"β"}, {0, U"€"}, {0, U"™\u00a0Ά\u00ad®°"}},
    {{0, U"ΒΓΞΟ"}, {kCyrillicFiller, U"°"}, {0, U"ΒΓΞΟ"}},
    {{0, U"ā"}, {0, U"€"}},
};
const Sequence kAtStart = {{0, U"ÃÂ"}, {0, U" "}};

std::unordered_map<char32_t, Categories> listed_categories() {
  std::unordered_map<char32_t, Categories> categories;
  for (const auto& [category, characters] : kMembers) {
    for (size_t i = 0; i < characters.size(); ++i) {
      const bool is_range = i + 2 < characters.size() && characters[i + 1] == U'-';
      const char32_t last = characters[is_range ? i + 2 : i];
      for (char32_t c = characters[i]; c <= last; ++c) categories[c] |= category;
      if (is_range) i += 2;
    }
  }
  return categories;
}

Categories categories_of(char32_t c) {
  static const std::unordered_map<char32_t, Categories> kListed = listed_categories();
  const auto listed = kListed.find(c);
  Categories categories = listed == kListed.end() ? 0 : listed->second;
  if (is_space(c)) categories |= kSpace;
  if (c == U'_' || is_letter(c) || is_number(c)) categories |= kWord;
  if ((categories & kAsciiLetter) == 0) categories |= kNoAsciiLetter;
  if (c != U'\n') categories |= kNoNewline;
  return categories;
}

bool matches(const Sequence& sequence, const std::u32string& text, const std::vector<Categories>& categories,
             size_t at) {
  if (at + sequence.size() > text.size()) return false;
  for (const Place& place : sequence) {
    const bool fits =
        (categories[at] & place.categories) != 0 || place.characters.find(text[at]) != std::u32string_view::npos;
    if (!fits) return false;
    ++at;
  }
  return true;
}

}  // namespace

bool looks_like_mojibake(const std::u32string& text) {
  std::vector<Categories> categories(text.size());
  std::transform(text.begin(), text.end(), categories.begin(), categories_of);
  if (matches(kAtStart, text, categories, 0)) return true;
  for (size_t at = 0; at < text.size(); ++at) {
    const auto holds_here = [&](const Sequence& sequence) { return matches(sequence, text, categories, at); };
    if (std::any_of(std::begin(kAnywhere), std::end(kAnywhere), holds_here)) return true;
  }
  return false;
}

}  // namespace permafrost::core
