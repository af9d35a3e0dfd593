#include "launch/progress.h"

#include <algorithm>
#include <cstdio>

#include "core/base/log.h"

namespace permafrost::launch {

Progress::Progress(std::string what, int64_t total, std::string unit, double interval_seconds)
    : what_(std::move(what)), unit_(std::move(unit)), total_(total), interval_seconds_(interval_seconds) {}

void Progress::set(int64_t done) {
  done_ = done;
  const auto now = Clock::now();
  if (std::chrono::duration<double>(now - last_).count() < interval_seconds_) return;
  last_ = now;
  const double rate = static_cast<double>(done_) / std::chrono::duration<double>(now - start_).count();
  const double left = static_cast<double>(std::max<int64_t>(0, total_ - done_)) / std::max(rate, 1e-9);
  char text[200];
  std::snprintf(text, sizeof text, "%s: %lld of %lld %s, %.1f a second, %.0f s to go", what_.c_str(),
                static_cast<long long>(done_), static_cast<long long>(total_), unit_.c_str(), rate, left);
  core::log_info() << text;
}

}  // namespace permafrost::launch
