#include "launch/report/markup.h"

#include <gtest/gtest.h>

#include <limits>

namespace permafrost::launch {
namespace {

TEST(Escape, LeavesNoMarkupInTextOrAttributes) {
  EXPECT_EQ(escape("<script>alert('a' & \"b\")</script>"),
            "&lt;script&gt;alert(&#39;a&#39; &amp; &quot;b&quot;)&lt;/script&gt;");
}

TEST(Escape, KeepsOtherScripts) {
  EXPECT_EQ(escape("\u8df3\u821e \u00e9t\u00e9 \U0001F3C3"), "\u8df3\u821e \u00e9t\u00e9 \U0001F3C3");
}

TEST(Escape, ReplacesWhatIsNoUtf8) {
  EXPECT_EQ(escape("a\xff"
                   "b"),
            "a\uFFFDb");
  EXPECT_EQ(escape("a\xc3"), "a\uFFFD");                              // breaks off
  EXPECT_EQ(escape("\xc0\xbc"), "\uFFFD\uFFFD");                      // '<' in two bytes
  EXPECT_EQ(escape("\xed\xa0\x80"), "\uFFFD\uFFFD\uFFFD");            // a surrogate
  EXPECT_EQ(escape("\xf4\x90\x80\x80"), "\uFFFD\uFFFD\uFFFD\uFFFD");  // beyond U+10FFFF
}

TEST(Escape, ReplacesControlCharacters) {
  EXPECT_EQ(escape(std::string_view("a\0b\nc\x7f", 6)), "a\uFFFDb\uFFFDc\uFFFD");
}

TEST(Shorten, CutsBetweenCharacters) {
  EXPECT_EQ(shorten("\u00e9\u00e9\u00e9\u00e9", 3), "\u00e9\u00e9\u2026");
  EXPECT_EQ(shorten("\u00e9\u00e9\u00e9", 3), "\u00e9\u00e9\u00e9");
}

TEST(Numbers, AreWrittenForPeople) {
  EXPECT_EQ(percent(0.95), "95.0\u202F%");
  EXPECT_EQ(percent(0.12345), "12.3\u202F%");
  EXPECT_EQ(fixed(-1.25, 1), "\u22121.2");
  EXPECT_EQ(fixed(-0.0, 1), "0.0");
  EXPECT_EQ(significant(0.0003, 3), "0.0003");
  EXPECT_EQ(grouped(0), "0");
  EXPECT_EQ(grouped(999), "999");
  EXPECT_EQ(grouped(1234567), "1\u202F234\u202F567");
  EXPECT_EQ(grouped(-1000), "\u22121\u202F000");
  EXPECT_EQ(human_bytes(1023), "1023\u202FB");
  EXPECT_EQ(human_bytes(1.5 * (1 << 30)), "1.50\u202FGiB");
  EXPECT_EQ(human_ms(8.25), "8.2\u202Fms");
  EXPECT_EQ(human_ms(1520), "1.52\u202Fs");
  EXPECT_EQ(plural(1, "video", "videos"), "1 video");
  EXPECT_EQ(plural(0, "video", "videos"), "0 videos");
}

TEST(Numbers, AreADashWhereTheyAreNotFinite) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  const double infinity = std::numeric_limits<double>::infinity();
  for (const std::string& text :
       {percent(nan), fixed(infinity, 2), significant(-infinity, 3), human_bytes(nan), human_ms(nan)}) {
    EXPECT_EQ(text, "\u2013");
  }
}

TEST(Numbers, OfAttributesAreAsciiAndFinite) {
  EXPECT_EQ(attribute_number(-12.5), "-12.5");
  EXPECT_EQ(attribute_number(std::numeric_limits<double>::quiet_NaN()), "0");
}

TEST(Table, NamesItsRowsAndColumns) {
  std::string html = Table("A <caption>", {"clip", "#score"}).row({"x", "1"}).html();
  EXPECT_NE(html.find("<caption>A &lt;caption&gt;</caption>"), std::string::npos);
  EXPECT_NE(html.find("<th scope=\"col\" class=\"number\">score</th>"), std::string::npos);
  EXPECT_NE(html.find("<th scope=\"row\">x</th><td class=\"number\">1</td>"), std::string::npos);
}

}  // namespace
}  // namespace permafrost::launch
