// The bytes that mojibake was before it was misread: filling in what was lost, and reading them as UTF-8 at last.
//
//   std::string bytes = *encoding.encode(text);
//   restore_nonbreaking_spaces(bytes);
//   const std::optional<std::u32string> repaired = read_utf8_variants(bytes);
#pragma once

#include <optional>
#include <string>

namespace permafrost::core {

// Byte A0 that somebody took for a space and replaced by byte 20: put back where the rest is a likely character.
std::string restore_nonbreaking_spaces(const std::string& bytes);

// Sequences in which a byte was lost (1A, or a question mark) become U+FFFD in UTF-8.
std::string replace_lossy_sequences(const std::string& bytes);

// Strict UTF-8: shortest forms, no surrogates; nothing where the bytes are anything else.
std::optional<std::u32string> read_utf8(const std::string& bytes);

// UTF-8 with Java's and CESU-8's liberties: C0 80 is U+0000, two surrogates of three bytes each are one character.
std::optional<std::u32string> read_utf8_variants(const std::string& bytes);

}  // namespace permafrost::core
