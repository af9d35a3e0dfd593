// HTML's character references: named (the whole list of HTML 5) and numeric.
//
//   unescape_html(U"caf&eacute; &amp &#x41;");        // U"café & A": as a browser, and as Python's html.unescape
//   unescape_closed_html(U"caf&EACUTE; this&not that");   // U"cafÉ this&not that": only what a semicolon closes
//
// Nothing here throws: what is no reference stays as it is.
#pragma once

#include <string>

namespace permafrost::core {

// As the HTML standard reads references in text: the semicolon may be missing after the old names and after numbers,
// a number of the C1 range means Windows-1252's character, one of no character means U+FFFD or nothing.
std::u32string unescape_html(const std::u32string& text);

// The careful reading of ftfy: only references that end in a semicolon, and those of lower-case names also in capitals.
std::u32string unescape_closed_html(const std::u32string& text);

}  // namespace permafrost::core
