#include "core/encoder/mojibake.h"

#include <algorithm>
#include <optional>
#include <unordered_set>

#include "core/encoder/mojibake_bytes.h"
#include "core/encoder/mojibake_rules.h"
#include "core/encoder/single_byte_encoding.h"

namespace permafrost::core {
namespace {

bool is_c1_control(char32_t c) { return c >= 0x80 && c <= 0x9f; }

// The characters that bytes `first` to `last` are in Latin-1 and the encodings of Windows.
using Characters = std::unordered_set<char32_t>;
Characters characters_of(unsigned char first, unsigned char last) {
  constexpr size_t kLatinAndWindows = 7;  // the first of SingleByteEncoding::all()
  Characters characters;
  for (size_t i = 0; i < kLatinAndWindows; ++i) {
    for (int byte = first; byte <= last; ++byte) {
      characters.insert(SingleByteEncoding::all()[i].decode(static_cast<unsigned char>(byte)));
    }
  }
  return characters;
}

// UTF-8's bytes as characters: where a run of them begins and how it goes on.
struct Utf8Clues {
  Characters lead_of_2 = characters_of(0xc2, 0xdf);
  Characters lead_of_3 = characters_of(0xe0, 0xef);
  Characters lead_of_4 = characters_of(0xf0, 0xf0);
  Characters tail = characters_of(0x80, 0xbf);  // and the space, which a byte A0 became
  Characters plain_tail = tail;                 // without what often stands beside mojibake for itself

  Utf8Clues() {
    lead_of_4.merge(characters_of(0xf3, 0xf3));
    tail.insert(U' ');
    for (const char32_t c : std::u32string_view(U"\u2013\u2014\u2015‘’‚“”„•…")) plain_tail.erase(c);
  }

  // Characters of the sequence that starts at `at`; 0: none does.
  size_t sequence(const std::u32string& text, size_t at) const {
    const size_t length = lead_of_2.contains(text[at])   ? 2
                          : lead_of_3.contains(text[at]) ? 3
                          : lead_of_4.contains(text[at]) ? 4
                                                         : 0;
    if (length == 0 || at + length > text.size()) return 0;
    const auto rest = text.begin() + static_cast<ptrdiff_t>(at) + 1;
    const bool goes_on =
        std::all_of(rest, rest + static_cast<ptrdiff_t>(length) - 1, [&](char32_t c) { return tail.contains(c); });
    return goes_on ? length : 0;
  }

  // Characters of the sequences one after the other from `at` on; 0 in the middle of a garble.
  size_t run(const std::u32string& text, size_t at) const {
    if (at > 0 && plain_tail.contains(text[at - 1])) return 0;
    size_t end = at;
    while (end < text.size()) {
      const size_t length = sequence(text, end);
      if (length == 0) break;
      end += length;
    }
    return end - at;
  }
};

// Repairs runs that look like UTF-8, each on its own: text put together from different encodings.
std::u32string repair_runs(const std::u32string& text) {
  static const Utf8Clues kClues;
  std::u32string result;
  for (size_t i = 0; i < text.size();) {
    const size_t length = kClues.run(text, i);
    const std::u32string part = text.substr(i, std::max<size_t>(1, length));
    const bool is_broken = length > 0 && length < text.size() && looks_like_mojibake(part);
    result += is_broken ? repair_mojibake(part) : part;
    i += part.size();
  }
  return result;
}

std::optional<std::u32string> read_as_utf8(std::string bytes, const SingleByteEncoding& encoding) {
  if (!encoding.is_mac_roman()) bytes = restore_nonbreaking_spaces(bytes);  // there it would meet dashes
  if (encoding.is_sloppy()) bytes = replace_lossy_sequences(bytes);
  const bool has_variants = bytes.find_first_of("\xed\xc0") != std::string::npos;
  return has_variants ? read_utf8_variants(bytes) : read_utf8(bytes);
}

// Latin-1 that was Windows-1252, where every control character means something there.
std::optional<std::u32string> latin_1_as_windows_1252(const std::u32string& text) {
  const SingleByteEncoding& windows = SingleByteEncoding::windows_1252();
  const auto has_meaning = [&](char32_t c) {
    return c < 0x100 && !windows.is_undefined(static_cast<unsigned char>(c));
  };
  if (!std::all_of(text.begin(), text.end(), has_meaning)) return std::nullopt;
  return repair_c1_controls(text);
}

std::u32string repair_once(const std::u32string& text) {
  const bool is_ascii = std::all_of(text.begin(), text.end(), [](char32_t c) { return c < 0x80; });
  if (is_ascii || !looks_like_mojibake(text)) return text;
  for (const SingleByteEncoding& encoding : SingleByteEncoding::all()) {
    const std::optional<std::string> bytes = encoding.encode(text);
    if (!bytes) continue;
    if (const auto repaired = read_as_utf8(*bytes, encoding)) return *repaired;
  }
  if (std::u32string repaired = repair_runs(text); repaired != text) return repaired;
  if (const auto repaired = latin_1_as_windows_1252(text); repaired && *repaired != text) return *repaired;
  return repair_c1_controls(text);
}

}  // namespace

std::u32string repair_c1_controls(std::u32string text) {
  for (char32_t& c : text) {
    if (is_c1_control(c)) c = SingleByteEncoding::windows_1252().decode(static_cast<unsigned char>(c));
  }
  return text;
}

std::u32string repair_mojibake(const std::u32string& text) {
  std::u32string before = text;
  for (;;) {
    std::u32string after = repair_once(before);
    if (after == before) return after;
    before = std::move(after);
  }
}

}  // namespace permafrost::core
