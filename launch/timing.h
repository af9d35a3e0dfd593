// What every measurement needs: the clock, and the middle of what it gave.
#pragma once

#include <algorithm>
#include <limits>
#include <vector>

#include "core/base/clock.h"

namespace permafrost::launch {

using core::Clock;
using core::seconds_since;

// NaN of none.
inline double median(std::vector<double> values) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return values.size() % 2 == 1 ? *middle : (*middle + *std::max_element(values.begin(), middle)) / 2;
}

}  // namespace permafrost::launch
