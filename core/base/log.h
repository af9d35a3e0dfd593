// Logging on stderr, one whole line at a time.
//
//   log_info() << "read " << count << " videos";
//   log_warning() << path << ": quarantined: " << reason;
//
// Warnings and errors are coloured on a terminal, unless NO_COLOR is set (no-color.org). glog writes the lines, but no
// header of ours includes it: glog and LibTorch both define LOG and CHECK, and the one included last wins without a
// word.
#pragma once

#include <sstream>
#include <string>

namespace permafrost::core {

enum class LogLevel { kInfo, kWarning, kError };

// Collects one line and hands it to glog when it goes out of scope.
class LogLine {
 public:
  explicit LogLine(LogLevel level) : level_(level) {}
  LogLine(const LogLine&) = delete;
  LogLine& operator=(const LogLine&) = delete;
  ~LogLine();

  template <class T>
  LogLine& operator<<(const T& value) {
    text_ << value;
    return *this;
  }

 private:
  LogLevel level_;
  std::ostringstream text_;
};

inline LogLine log_info() { return LogLine(LogLevel::kInfo); }
inline LogLine log_warning() { return LogLine(LogLevel::kWarning); }
inline LogLine log_error() { return LogLine(LogLevel::kError); }

// Called once by main. Lines below `lowest` are dropped.
void start_logging(const char* program, LogLevel lowest);
void set_log_level(LogLevel lowest);

// The last line of a terminal, which stays below all that is logged until it is given anew; "" takes it away.
void show_status(const std::string& text);

// Prefixes every further line with "rank N", where there is more than one.
void set_log_rank(int rank, int size);

}  // namespace permafrost::core
