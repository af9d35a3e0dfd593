// Lines and comma-separated fields, one record a line. Internal to data/dataset.
//
//   for (const std::string& line : lines_of(text)) if (const auto fields = csv_fields(line)) use(*fields);
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace permafrost::data {

// Without their ends (\n or \r\n) and without a byte order mark.
std::vector<std::string> lines_of(const std::string& text);

// Fields may be quoted, a doubled quote stands for one (RFC 4180). Empty where a quote stays open.
std::optional<std::vector<std::string>> csv_fields(const std::string& line);

// Without blanks at either end.
std::string trimmed(const std::string& text);

}  // namespace permafrost::data
