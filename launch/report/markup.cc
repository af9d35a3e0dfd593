#include "launch/report/markup.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>

namespace permafrost::launch {
namespace {

constexpr std::string_view kReplacement = "\uFFFD";
constexpr std::string_view kThinSpace = "\u202F";
constexpr std::string_view kDash = "\u2013";
constexpr std::string_view kMinus = "\u2212";

bool is_continuation(char byte) { return (static_cast<unsigned char>(byte) & 0xC0) == 0x80; }

// Bytes of the well-formed UTF-8 character at `at`, 0 where there is none (RFC 3629: no overlong forms, no surrogates).
size_t character_bytes(std::string_view text, size_t at) {
  auto byte = [&](size_t offset) { return static_cast<unsigned char>(text[at + offset]); };
  unsigned char lead = byte(0);
  if (lead < 0x80) return 1;
  size_t bytes = lead >= 0xC2 && lead <= 0xDF ? 2 : (lead & 0xF0) == 0xE0 ? 3 : lead >= 0xF0 && lead <= 0xF4 ? 4 : 0;
  if (bytes == 0 || at + bytes > text.size()) return 0;
  for (size_t i = 1; i < bytes; ++i) {
    if (!is_continuation(text[at + i])) return 0;
  }
  bool is_overlong = (lead == 0xE0 && byte(1) < 0xA0) || (lead == 0xF0 && byte(1) < 0x90);
  bool is_beyond = (lead == 0xED && byte(1) > 0x9F) || (lead == 0xF4 && byte(1) > 0x8F);
  return is_overlong || is_beyond ? 0 : bytes;
}

std::string_view escaped_ascii(char byte) {
  switch (byte) {
    case '&':
      return "&amp;";
    case '<':
      return "&lt;";
    case '>':
      return "&gt;";
    case '"':
      return "&quot;";
    case '\'':
      return "&#39;";
    default:
      return {};
  }
}

bool is_control(char byte) { return (byte >= 0 && byte < 0x20 && byte != '\t') || byte == 0x7F; }

std::string printed(const char* format, int precision, double value) {
  std::array<char, 400> buffer;  // the longest double in %f has 310 digits before the point
  std::snprintf(buffer.data(), buffer.size(), format, precision, value);
  std::string text = buffer.data();
  if (text.front() != '-') return text;
  bool is_zero = text.find_first_of("123456789") == std::string::npos;
  return text.replace(0, 1, is_zero ? "" : kMinus);
}

std::string wrapped(const std::string& tag, const std::string& attributes, const std::string& content) {
  return "<" + tag + attributes + ">" + content + "</" + tag + ">";
}

}  // namespace

std::string escape(std::string_view text) {
  std::string result;
  for (size_t at = 0; at < text.size();) {
    size_t bytes = character_bytes(text, at);
    std::string_view entity = escaped_ascii(text[at]);
    if (bytes == 0 || is_control(text[at])) {
      result += kReplacement;
    } else if (!entity.empty()) {
      result += entity;
    } else {
      result += text.substr(at, bytes);
    }
    at += std::max<size_t>(bytes, 1);
  }
  return result;
}

size_t character_count(std::string_view text) {
  return static_cast<size_t>(std::count_if(text.begin(), text.end(), [](char byte) { return !is_continuation(byte); }));
}

std::string shorten(std::string_view text, size_t characters) {
  if (character_count(text) <= characters) return std::string(text);
  size_t end = 0;
  for (size_t seen = 0; end < text.size(); ++end) {
    if (!is_continuation(text[end]) && ++seen == characters) break;
  }
  return std::string(text.substr(0, end)) + "\u2026";
}

std::string fixed(double value, int decimals) {
  return std::isfinite(value) ? printed("%.*f", decimals, value) : std::string(kDash);
}

std::string significant(double value, int digits) {
  return std::isfinite(value) ? printed("%.*g", digits, value) : std::string(kDash);
}

std::string attribute_number(double value) {
  std::array<char, 40> buffer;
  std::snprintf(buffer.data(), buffer.size(), "%.7g", std::isfinite(value) ? value : 0.0);
  return buffer.data();
}

std::string percent(double fraction) {
  return std::isfinite(fraction) ? fixed(100 * fraction, 1) + std::string(kThinSpace) + "%" : std::string(kDash);
}

std::string grouped(int64_t value) {
  std::string digits = std::to_string(value);
  size_t first = digits.front() == '-' ? 1 : 0;
  for (size_t at = digits.size(); at > first + 3;) digits.insert(at -= 3, kThinSpace);
  if (first == 1) digits.replace(0, 1, kMinus);
  return digits;
}

std::string human_bytes(double bytes) {
  if (!std::isfinite(bytes)) return std::string(kDash);
  const std::array<const char*, 6> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  size_t unit = 0;
  for (; std::abs(bytes) >= 1024 && unit + 1 < units.size(); ++unit) bytes /= 1024;
  return fixed(bytes, unit == 0 ? 0 : 2) + std::string(kThinSpace) + units[unit];
}

std::string human_ms(double milliseconds) {
  if (!std::isfinite(milliseconds)) return std::string(kDash);
  if (milliseconds >= 1000) return fixed(milliseconds / 1000, 2) + std::string(kThinSpace) + "s";
  return fixed(milliseconds, 1) + std::string(kThinSpace) + "ms";
}

std::string plural(int64_t count, const std::string& one, const std::string& many) {
  return grouped(count) + " " + (count == 1 ? one : many);
}

Table::Table(const std::string& caption, const std::vector<std::string>& columns) : caption_(caption) {
  for (const std::string& column : columns) {
    is_number_.push_back(!column.empty() && column.front() == '#');
    std::string attributes = std::string(" scope=\"col\"") + (is_number_.back() ? " class=\"number\"" : "");
    head_ += wrapped("th", attributes, escape(column.substr(is_number_.back() ? 1 : 0)));
  }
}

Table& Table::row(const std::vector<std::string>& cells) {
  std::string html;
  for (size_t i = 0; i < cells.size(); ++i) {
    std::string kind = i < is_number_.size() && is_number_[i] ? " class=\"number\"" : "";
    html += i == 0 ? wrapped("th", " scope=\"row\"" + kind, cells[i]) : wrapped("td", kind, cells[i]);
  }
  body_ += wrapped("tr", "", html) + "\n";
  return *this;
}

std::string Table::html() const {
  std::string label = escape(caption_);
  return "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"" + label + "\"><table>" +
         wrapped("caption", "", label) + wrapped("thead", "", wrapped("tr", "", head_)) + "\n" +
         wrapped("tbody", "", body_) + "</table></div>\n";
}

}  // namespace permafrost::launch
