#include "core/base/log.h"

#include <glog/logging.h>

#include <iomanip>

namespace permafrost::core {
namespace {

std::string& rank_prefix() {
  static std::string prefix;
  return prefix;
}

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
  if (line.severity[0] == 'W') out << " warning:";
  if (line.severity[0] == 'E') out << " error:";
}

}  // namespace

LogLine::~LogLine() { google::LogMessage("permafrost", 0, severity_of(level_)).stream() << text_.str(); }

void start_logging(const char* program, LogLevel lowest) {
  FLAGS_logtostderr = true;
  FLAGS_minloglevel = severity_of(lowest);
  google::InitGoogleLogging(program, &prefix_line);
}

void set_log_rank(int rank, int size) { rank_prefix() = size > 1 ? " [rank " + std::to_string(rank) + "]" : ""; }

}  // namespace permafrost::core
