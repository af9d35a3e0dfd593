// The three kinds of errors a user can meet, and the exit codes of the program.
//
// A message names the thing, what was expected, what was found and what to do, in one line. Whoever throws knows
// which of the three it is; `launch/program.cc` alone turns them into exit codes. Broken invariants are not errors but
// bugs: they use PERMAFROST_CHECK and end the process with a stack's worth of context.
#pragma once

#include <stdexcept>
#include <string>

namespace permafrost::core {

enum ExitCode : int {
  kExitDone = 0,
  kExitError = 1,
  kExitUsage = 2,
  kExitRequeue = 75,  // stopped early with a checkpoint: start the same command again
};

class Error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
  virtual ExitCode exit_code() const { return kExitError; }
};

// The user's: an option, a config, a combination of both.
class ConfigError : public Error {
 public:
  using Error::Error;
  ExitCode exit_code() const override { return kExitUsage; }
};

// A file's: it was read, and its content is not what it has to be.
class DataError : public Error {
 public:
  using Error::Error;
};

// The system's: a file that cannot be opened, a full disk, a lost peer.
class IoError : public Error {
 public:
  using Error::Error;
};

// "PATH: cannot ACTION: TEXT OF ERRNO: WHAT TO DO". Reads errno at the call. A partial file goes by its final name.
[[nodiscard]] IoError io_error(const std::string& path, const std::string& action);

[[noreturn]] void check_failed(const char* condition, const char* file, int line, const std::string& message);

}  // namespace permafrost::core

#define PERMAFROST_CHECK(condition, message) \
  ((condition) ? void() : ::permafrost::core::check_failed(#condition, __FILE__, __LINE__, (message)))
