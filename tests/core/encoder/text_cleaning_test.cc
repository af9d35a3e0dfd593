#include "core/encoder/text_cleaning.h"

#include <gtest/gtest.h>

#include "core/encoder/html_entities.h"
#include "core/encoder/mojibake_rules.h"
#include "core/encoder/single_byte_encoding.h"
#include "core/encoder/unicode.h"

namespace permafrost::core {
namespace {

std::string fixed(std::string_view text) { return encode_utf8(fix_text(decode_utf8(text))); }
std::string cleaned(std::string_view text) { return clean_text(text); }
std::string unescaped(std::string_view text) { return encode_utf8(unescape_html(decode_utf8(text))); }

TEST(CleanText, EvensOutSpacesAndCapitals) {
  EXPECT_EQ(cleaned("  Many\t\n spaces\xc2\xa0here \xe3\x80\x80"), "many spaces here");
  EXPECT_EQ(cleaned(""), "");
  EXPECT_EQ(cleaned("ΟΔΟΣ İ"), "οδος i\u0307");
}

TEST(CleanText, ReadsHtmlReferencesTwice) {
  EXPECT_EQ(cleaned("&amp;lt;b&amp;gt; &quot;x&quot; &nbsp;"), "<b> \"x\"");
  EXPECT_EQ(cleaned("<i>&amp;amp;amp;</i>"), "<i>&amp;</i>");  // HTML itself: only the two readings after the repair
}

TEST(CleanText, TakesBytesThatAreNoUtf8ForReplacementCharacters) {
  EXPECT_EQ(cleaned("a\xff\x62"),
            "a\ufffd"
            "b");
}

TEST(FixText, RepairsMojibakeOfTheCommonEncodings) {
  EXPECT_EQ(fixed("schÃ¶n"), "schön");
  EXPECT_EQ(fixed("itâ€™s"), "it's");
  EXPECT_EQ(fixed("РџСЂРёРІРµС‚"), "Привет");       // Windows-1251
  EXPECT_EQ(fixed("l‚Äôhumanit√©"), "l'humanité");  // Mac Roman
  EXPECT_EQ(fixed("voilÃ  le travail"), "voilà le travail");
  EXPECT_EQ(fixed("Ã  quel point"), "à quel point");
}

TEST(FixText, RepairsMojibakeOfMojibake) { EXPECT_EQ(fixed("schÃƒÂ¶n"), "schön"); }

TEST(FixText, RepairsTheBrokenPartOfAMixedText) { EXPECT_EQ(fixed("中 â€“ 日 rÃ©sumÃ©"), "中 – 日 résumé"); }

TEST(FixText, LeavesTextAloneThatOnlyLooksForeign) {
  for (const char* text : {"schön", "Ångström", "Ærø", "Привет", "日本語", "100 £", "café – naïve"}) {
    EXPECT_EQ(fixed(text), text);
  }
}

TEST(FixText, ReplacesSequencesThatLostAByte) { EXPECT_EQ(fixed("â€œlikeâ€\ufffd this"), "\"like\ufffd this"); }

TEST(FixText, ReadsOnlyClosedReferencesAndCapitalNames) {
  EXPECT_EQ(fixed("P&EACUTE;REZ this&not that &#59;"), "PÉREZ this&not that &#59;");
  EXPECT_EQ(fixed("<b>&eacute;</b>"), "<b>&eacute;</b>");
}

TEST(FixText, TakesLigaturesAndWidthsApart) {
  EXPECT_EQ(fixed("\ufb02u\ufb03est \uff2c\uff2f\uff35\uff24\u3000\uff76\uff9e"), "fluffiest LOUD ガ");
}

TEST(FixText, StraightensQuotesAndLineBreaks) { EXPECT_EQ(fixed("“a” ‘b’\r\nc\rd\u2028e"), "\"a\" 'b'\nc\nd\ne"); }

TEST(FixText, RemovesTerminalEscapesAndIdleControls) {
  EXPECT_EQ(fixed("\x1b[31;1mred\x1b[0m\x01\x7f\ufeff!"), "red!");
}

TEST(FixText, JoinsSurrogatesAndReplacesLoneOnes) {
  EXPECT_EQ(encode_utf8(fix_text({0xd83d, 0xde00, 0xde00})), "\U0001f600\ufffd");
}

TEST(FixText, ComposesCharacters) { EXPECT_EQ(fixed("e\u0301"), "é"); }

TEST(Html, ReadsReferencesAsBrowsersDo) {
  EXPECT_EQ(unescaped("&notit; &amp&#x41;&#65 &nosuch; &#0;&#x80;&#xd800;&#1;|"), "¬it; &AA &nosuch; \ufffd€\ufffd|");
  EXPECT_EQ(unescaped("&CounterClockwiseContourIntegral;&ngE;"), "∳≧̸");
  EXPECT_EQ(unescaped("& &; &# &#x; &#99999999999999999999;"), "& &; &# &#x; \ufffd");
}

TEST(SingleByteEncoding, KeepsBytesThatMeanNothing) {
  EXPECT_EQ(SingleByteEncoding::windows_1252().decode(0x81), 0x81U);
  EXPECT_EQ(SingleByteEncoding::windows_1252().decode(0x80), 0x20acU);
  EXPECT_EQ(SingleByteEncoding::all().back().decode(0xe6), 0xb5U);
  EXPECT_FALSE(SingleByteEncoding::latin_1().encode(U"€").has_value());
}

TEST(MojibakeRules, KnowMojibakeFromText) {
  EXPECT_TRUE(looks_like_mojibake(U"schÃ¶n"));
  EXPECT_TRUE(looks_like_mojibake(U"Ã "));
  EXPECT_FALSE(looks_like_mojibake(U"SÃO PAULO"));
  EXPECT_FALSE(looks_like_mojibake(U""));
}

}  // namespace
}  // namespace permafrost::core
