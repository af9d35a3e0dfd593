#include "core/base/error.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

namespace permafrost::core {

IoError io_error(const std::string& path, const std::string& action) {
  return IoError(path + ": cannot " + action + ": " + std::strerror(errno));
}

void check_failed(const char* condition, const char* file, int line, const std::string& message) {
  std::fprintf(stderr, "%s:%d: broken invariant `%s`: %s\n", file, line, condition, message.c_str());
  std::abort();
}

}  // namespace permafrost::core
