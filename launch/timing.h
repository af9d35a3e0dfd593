// What every measurement needs of the clock.
#pragma once

#include <algorithm>
#include <chrono>
#include <vector>

namespace permafrost::launch {

using Clock = std::chrono::steady_clock;

inline double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// Of an even number of values the greater of the two in the middle; 0 of none.
inline double median(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  return values.empty() ? 0 : values[values.size() / 2];
}

}  // namespace permafrost::launch
