// Repairs mojibake: text in UTF-8 that somebody read in a single-byte encoding, once or several times.
//
//   repair_mojibake(U"schÃ¶n");              // U"schön"
//   repair_mojibake(U"letâ€™s rÃ©sumÃ©");    // U"let’s résumé"
//
// Text that does not look broken (mojibake_rules.h) stays as it is. Behaves as ftfy 6.3's fix_encoding, which CLIP's
// tokenizer was trained behind.
#pragma once

#include <string>

namespace permafrost::core {

std::u32string repair_mojibake(const std::u32string& text);

// Control characters of the C1 range are Windows-1252's characters of the same byte, as browsers have it.
std::u32string repair_c1_controls(std::u32string text);

}  // namespace permafrost::core
