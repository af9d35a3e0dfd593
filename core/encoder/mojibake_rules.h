// Does a text look like mojibake, UTF-8 that was read in a single-byte encoding?
//
//   looks_like_mojibake(U"schÃ¶n");   // true: a capital with an accent before a sign that no word has
//   looks_like_mojibake(U"schön");    // false
//
// The few hundred characters that mojibake is made of fall into categories; some sequences of categories hardly occur
// in any language. Categories and sequences are those found by ftfy 6.3 (Robyn Speer, https://ftfy.readthedocs.io).
#pragma once

#include <string>

namespace permafrost::core {

bool looks_like_mojibake(const std::u32string& text);

}  // namespace permafrost::core
