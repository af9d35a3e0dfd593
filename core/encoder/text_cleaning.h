// Text as CLIP's tokenizer wants it: repaired, without markup, spaces and capitals evened out.
//
//   clean_text("  &quot;SchÃ¶n&quot;\n day ");   // "\"schön\" day"
//
// Bytes that are no UTF-8 become U+FFFD. Nothing here throws.
#pragma once

#include <string>
#include <string_view>

namespace permafrost::core {

// What ftfy 6.3's fix_text does by default, line by line until nothing changes: closed HTML references (not where a
// "<" says that this is HTML), mojibake, C1 controls, Latin ligatures, full- and half-width forms, curly quotes, line
// breaks, surrogates, terminal escapes, control characters, NFC.
std::u32string fix_text(const std::u32string& text);

// fix_text, HTML references twice over, runs of white space to one space, none at the ends, lower case.
std::u32string clean_text(const std::u32string& text);
std::string clean_text(std::string_view text);

}  // namespace permafrost::core
