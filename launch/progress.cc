#include "launch/progress.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/base/log.h"

namespace permafrost::launch {

std::string progress_text(int64_t done, int64_t total, const std::string& unit, double seconds) {
  const double rate = static_cast<double>(done) / std::max(seconds, 1e-3);
  char text[160];
  std::snprintf(text, sizeof text, "%lld of %lld %s, %.1f a second, ", static_cast<long long>(done),
                static_cast<long long>(total), unit.c_str(), rate);
  if (done == 0) return std::string(text) + "time to go not known yet";
  return text + std::to_string(std::lround(static_cast<double>(std::max<int64_t>(0, total - done)) / rate)) +
         " s to go";
}

Progress::Progress(std::string what, int64_t total, std::string unit, double interval_seconds)
    : what_(std::move(what)), unit_(std::move(unit)), total_(total), interval_seconds_(interval_seconds) {}

void Progress::set(int64_t done) {
  done_ = done;
  const auto now = Clock::now();
  if (std::chrono::duration<double>(now - last_).count() < interval_seconds_) return;
  last_ = now;
  core::log_info() << what_ << ": "
                   << progress_text(done_, total_, unit_, std::chrono::duration<double>(now - start_).count());
}

}  // namespace permafrost::launch
