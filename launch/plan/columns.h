// Numbers and tables as a plan prints them.
//
//   std::cout << aligned({{"mode", "hours"}, {"online", number(1.5)}}, /*text_columns=*/1);
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace permafrost::launch {

// Three digits that say something: 27.6, 0.484, 1234.
std::string number(double value);

// Columns as wide as their widest cell, two blanks between them; the first `text_columns` to the left, the others to
// the right.
std::string aligned(const std::vector<std::vector<std::string>>& rows, size_t text_columns);

}  // namespace permafrost::launch
