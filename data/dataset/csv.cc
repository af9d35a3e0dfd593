#include "data/dataset/csv.h"

#include <algorithm>
#include <cctype>

namespace permafrost::data {

std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  size_t at = text.compare(0, 3, "\xef\xbb\xbf") == 0 ? 3 : 0;
  while (at < text.size()) {
    const size_t newline = std::min(text.find('\n', at), text.size());
    size_t end = newline;
    if (end > at && text[end - 1] == '\r') --end;
    lines.push_back(text.substr(at, end - at));
    at = newline + 1;
  }
  return lines;
}

std::optional<std::vector<std::string>> csv_fields(const std::string& line) {
  std::vector<std::string> fields(1);
  bool is_quoted = false;
  for (size_t i = 0; i < line.size(); ++i) {
    const char c = line[i];
    if (is_quoted && c == '"' && i + 1 < line.size() && line[i + 1] == '"') {
      fields.back() += '"';
      ++i;
    } else if (is_quoted && c == '"') {
      is_quoted = false;
    } else if (!is_quoted && c == '"' && trimmed(fields.back()).empty()) {
      is_quoted = true;
    } else if (!is_quoted && c == ',') {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  if (is_quoted) return std::nullopt;
  return fields;
}

namespace {

std::string lower(std::string text) {
  for (char& c : text) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return text;
}

}  // namespace

CsvColumns::CsvColumns(const std::string& header) {
  const auto fields = csv_fields(header);
  if (!fields) return;
  for (size_t i = 0; i < fields->size(); ++i) places_.emplace(lower(trimmed(fields->at(i))), i);
}

std::string CsvColumns::first_of(std::initializer_list<const char*> names) const {
  for (const char* name : names) {
    if (has(name)) return name;
  }
  return "";
}

std::string CsvColumns::field(const std::vector<std::string>& fields, const std::string& name) const {
  const auto at = places_.find(name);
  return at == places_.end() || at->second >= fields.size() ? "" : trimmed(fields[at->second]);
}

std::string trimmed(const std::string& text) {
  const size_t first = text.find_first_not_of(" \t\r");
  if (first == std::string::npos) return "";
  return text.substr(first, text.find_last_not_of(" \t\r") - first + 1);
}

}  // namespace permafrost::data
