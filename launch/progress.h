// A line of progress now and then, never more often than the interval.
//
//   Progress progress("cache build", clips, "clips");
//   progress.add(32);      // "cache build: 640 of 1440 clips, 88.1 a second, 9 s to go"
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace permafrost::launch {

// "640 of 1440 clips, 88.1 a second, 9 s to go"
std::string progress_text(int64_t done, int64_t total, const std::string& unit, double seconds);

class Progress {
 public:
  Progress(std::string what, int64_t total, std::string unit, double interval_seconds = 10);
  void add(int64_t count) { set(done_ + count); }
  void set(int64_t done);

 private:
  using Clock = std::chrono::steady_clock;

  std::string what_, unit_;
  int64_t total_, done_ = 0;
  double interval_seconds_;
  Clock::time_point start_ = Clock::now(), last_ = start_;
};

}  // namespace permafrost::launch
