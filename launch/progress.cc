#include "launch/progress.h"

#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "core/base/log.h"

namespace permafrost::launch {
namespace {

constexpr int64_t kBarWidth = 24;

ProgressStyle& style() {
  static ProgressStyle chosen = ProgressStyle::kLines;
  return chosen;
}

std::string two_units(int64_t count, int64_t per_unit, const char* large, const char* small) {
  const int64_t rest = count % per_unit;
  return std::to_string(count / per_unit) + " " + large + (rest == 0 ? "" : " " + std::to_string(rest) + " " + small);
}

}  // namespace

void set_progress_style(const std::string& name) {
  const bool is_bar = name == "always" || (name == "auto" && ::isatty(STDERR_FILENO) != 0);
  style() = name == "never" ? ProgressStyle::kNone : is_bar ? ProgressStyle::kBar : ProgressStyle::kLines;
}

std::string duration_text(double seconds) {
  const int64_t whole = std::lround(std::max(0.0, seconds)), minutes = std::lround(std::max(0.0, seconds) / 60);
  if (whole < 100) return std::to_string(whole) + " s";
  if (minutes < 100) return std::to_string(minutes) + " min";
  if (minutes < 48 * 60) return two_units(minutes, 60, "h", "min");
  return two_units(std::lround(static_cast<double>(minutes) / 60), 24, "d", "h");
}

std::string progress_text(int64_t done, int64_t total, const std::string& unit, double seconds, int64_t before) {
  const double rate = static_cast<double>(done - before) / std::max(seconds, 1e-3);
  char text[160];
  std::snprintf(text, sizeof text, "%lld of %lld %s, %.1f a second, ", static_cast<long long>(done),
                static_cast<long long>(total), unit.c_str(), rate);
  if (done <= before) return std::string(text) + "time to go not known yet";
  return text + duration_text(static_cast<double>(std::max<int64_t>(0, total - done)) / rate) + " to go";
}

std::string bar_text(const std::string& what, int64_t done, int64_t total) {
  const double share =
      std::clamp(static_cast<double>(done) / static_cast<double>(std::max<int64_t>(1, total)), 0.0, 1.0);
  const auto full = static_cast<size_t>(std::floor(share * kBarWidth));
  std::string bar(full, '#');
  bar.resize(kBarWidth, '.');
  return what + " [" + bar + "] " + std::to_string(std::lround(std::floor(100 * share))) + " %";
}

Progress::Progress(std::string what, int64_t total, std::string unit, int64_t done)
    : what_(std::move(what)), unit_(std::move(unit)), total_(total), done_(done), before_(done) {}

Progress::~Progress() { core::show_status(""); }

std::chrono::milliseconds Progress::interval() {
  return style() == ProgressStyle::kBar ? std::chrono::milliseconds(200) : std::chrono::seconds(30);
}

bool Progress::is_due() {
  if (style() == ProgressStyle::kNone || core::Clock::now() - last_ < interval()) return false;
  last_ = core::Clock::now();
  return true;
}

void Progress::set(int64_t done, const std::string& more) {
  done_ = done;
  if (!is_due()) return;
  const std::string text = progress_text(done_, total_, unit_, seconds(), before_) + more;
  if (style() == ProgressStyle::kBar) {
    core::show_status(bar_text(what_, done_, total_) + "  " + text);
  } else {
    core::log_info() << what_ << ": " << text;
  }
}

void Progress::set_bar(int64_t done) {
  if (style() == ProgressStyle::kBar) set(done);
}

}  // namespace permafrost::launch
