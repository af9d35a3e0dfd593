// Text, numbers and tables as HTML. Everything that comes from a file of the user goes through escape().
//
//   html += "<p>" + escape(label) + ": " + percent(0.95) + "</p>";          // "95.0 %"
//   html += Table("Clips", {"clip", "score"}).row({escape(path), fixed(score, 2)}).html();
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace permafrost::launch {

// Safe in text and in quoted attributes. Control characters and bytes that are no UTF-8 become U+FFFD.
std::string escape(std::string_view text);

// At most `characters` characters of UTF-8 `text`, the last an ellipsis where something was cut. Not escaped.
std::string shorten(std::string_view text, size_t characters);
// Characters of UTF-8 `text` (code points).
size_t character_count(std::string_view text);

// NaN and infinities are shown as a dash.
std::string fixed(double value, int decimals);
std::string significant(double value, int digits);  // 0.0003, 1.25e-06, 1532
std::string percent(double fraction);               // one decimal: "95.0 %"
std::string grouped(int64_t value);                 // "12 345", with thin no-break spaces
std::string human_bytes(double bytes);              // "1.25 GiB"
std::string human_ms(double milliseconds);          // "8.3 ms", "1.52 s"
std::string plural(int64_t count, const std::string& one, const std::string& many);  // "1 video", "2 videos"

// Plain ASCII for attributes of SVG and for the script: no thin spaces, no typographic minus.
std::string attribute_number(double value);

// A table with a caption, in a frame of its own that scrolls sideways where the page is too narrow.
class Table {
 public:
  // Columns whose name starts with '#' hold numbers and are set flush right; the '#' is not shown.
  Table(const std::string& caption, const std::vector<std::string>& columns);
  // Cells are HTML: escape() what is not yours. The first one names the row.
  Table& row(const std::vector<std::string>& cells);
  std::string html() const;

 private:
  std::string caption_;
  std::vector<bool> is_number_;
  std::string head_;
  std::string body_;
};

}  // namespace permafrost::launch
