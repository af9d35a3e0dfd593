// Lines and comma-separated fields, one record a line. Internal to data/dataset.
//
//   for (const std::string& line : lines_of(text)) if (const auto fields = csv_fields(line)) use(*fields);
#pragma once

#include <initializer_list>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace permafrost::data {

// Without their ends (\n or \r\n) and without a byte order mark.
std::vector<std::string> lines_of(const std::string& text);

// Fields may be quoted, a doubled quote stands for one (RFC 4180). Empty where a quote stays open.
std::optional<std::vector<std::string>> csv_fields(const std::string& line);

// Fields by the names in a header line, in lower case.
class CsvColumns {
 public:
  CsvColumns() = default;
  // Empty where the line is no sound CSV.
  explicit CsvColumns(const std::string& header);

  bool is_empty() const { return places_.empty(); }
  bool has(const std::string& name) const { return places_.contains(name); }
  // Whichever of the names there is; empty where there is none.
  std::string first_of(std::initializer_list<const char*> names) const;
  // Trimmed; empty where the column or the field is not there.
  std::string field(const std::vector<std::string>& fields, const std::string& name) const;

 private:
  std::map<std::string, size_t> places_;
};

// Without blanks at either end.
std::string trimmed(const std::string& text);

}  // namespace permafrost::data
