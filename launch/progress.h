// How far work is: a bar at the foot of a terminal, elsewhere a line now and then.
//
//   Progress progress("cache build", clips, "clips");
//   progress.add(32);      // "cache build: 640 of 1440 clips, 88.1 a second, 9 s to go"
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

#include "core/base/clock.h"

namespace permafrost::launch {

enum class ProgressStyle { kBar, kLines, kNone };

// Of the process. `name`: auto (a bar where stderr is a terminal, else a line every 30 s), always (the bar), never.
void set_progress_style(const std::string& name);

// "9 s", "4 min", "2 h 13 min", "3 d 4 h"
std::string duration_text(double seconds);
// "640 of 1440 clips, 88.1 a second, 9 s to go"; `before` of those done were done before the seconds began.
std::string progress_text(int64_t done, int64_t total, const std::string& unit, double seconds, int64_t before = 0);
// "cache build [#########...........] 45 %"
std::string bar_text(const std::string& what, int64_t done, int64_t total);

// Not thread-safe.
class Progress {
 public:
  // `done`: by an earlier start.
  Progress(std::string what, int64_t total, std::string unit, int64_t done = 0);
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  void add(int64_t count) { set(done_ + count); }
  // `more` follows the text.
  void set(int64_t done, const std::string& more = "");
  // The same without lines, for work that tells of itself otherwise.
  void set_bar(int64_t done);

  // After which there is something to show again.
  static std::chrono::milliseconds interval();

 private:
  bool is_due();
  double seconds() const { return core::seconds_since(start_); }

  std::string what_, unit_;
  int64_t total_, done_, before_;
  core::Clock::time_point start_ = core::Clock::now(), last_ = start_;
};

}  // namespace permafrost::launch
