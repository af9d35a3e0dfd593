#include "core/base/log.h"

#include <glog/logging.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cstdlib>
#include <iomanip>
#include <iostream>
#include <mutex>
#include <string>

namespace permafrost::core {
namespace {

std::string& rank_prefix() {
  static std::string prefix;
  return prefix;
}

// What show_status() last showed; also keeps lines of several threads apart from it.
struct Status {
  std::mutex mutex;
  std::string text;
};
Status& status() {
  static Status shown;
  return shown;
}

bool has_colours() {
  const auto set = [](const char* name) { return std::getenv(name) != nullptr && *std::getenv(name) != '\0'; };
  return ::isatty(STDERR_FILENO) != 0 && !set("NO_COLOR") &&
         std::string(set("TERM") ? std::getenv("TERM") : "") != "dumb";
}

// As much of it as a line of the terminal holds: more would leave traces behind.
std::string fitted(const std::string& text) {
  winsize size{};
  const bool is_known = ::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return text.substr(0, is_known ? size.ws_col - 1u : 79u);
}

constexpr char kClearLine[] = "\r\033[K";

int severity_of(LogLevel level) {
  switch (level) {
    case LogLevel::kInfo:
      return google::GLOG_INFO;
    case LogLevel::kWarning:
      return google::GLOG_WARNING;
    case LogLevel::kError:
      return google::GLOG_ERROR;
  }
  return google::GLOG_ERROR;
}

// "14:03:59 [rank 1] warning:", the severity only where it is not the usual one; glog adds a space.
void prefix_line(std::ostream& out, const google::LogMessageInfo& line, void*) {
  out << std::setfill('0') << std::setw(2) << line.time.hour() << ':' << std::setw(2) << line.time.min() << ':'
      << std::setw(2) << line.time.sec() << rank_prefix();
  static const bool is_coloured = has_colours();
  const auto tell = [&](const char* severity, const char* colour) {
    out << ' ' << (is_coloured ? colour : "") << severity << (is_coloured ? "\033[0m" : "");
  };
  if (line.severity[0] == 'W') tell("warning:", "\033[33m");
  if (line.severity[0] == 'E') tell("error:", "\033[31m");
}

}  // namespace

LogLine::~LogLine() {
  const std::lock_guard lock(status().mutex);
  const std::string& below = status().text;
  if (!below.empty()) std::cerr << kClearLine << std::flush;
  google::LogMessage("permafrost", 0, severity_of(level_)).stream() << text_.str();
  if (!below.empty()) std::cerr << below << std::flush;
}

void show_status(const std::string& text) {
  const std::lock_guard lock(status().mutex);
  if (text.empty() && status().text.empty()) return;
  status().text = fitted(text);
  std::cerr << kClearLine << status().text << std::flush;
}

void set_log_level(LogLevel lowest) { FLAGS_minloglevel = severity_of(lowest); }

void start_logging(const char* program, LogLevel lowest) {
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = severity_of(lowest);
  google::InitGoogleLogging(program, &prefix_line);
}

void set_log_rank(int rank, int size) { rank_prefix() = size > 1 ? " [rank " + std::to_string(rank) + "]" : ""; }

}  // namespace permafrost::core
