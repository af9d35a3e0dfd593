#include "core/base/error.h"

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "core/base/file.h"

namespace permafrost::core {

namespace {

// What to do about it, where the system's text leaves that open.
std::string remedy_of(int error) {
  switch (error) {
    case ENOENT:
    case ENOTDIR:
      return ": check the path";
    case EACCES:
    case EPERM:
    case EROFS:
      return ": make it accessible, or give another path";
    case ENOSPC:
    case EDQUOT:
      return ": free space and start again";
    default:
      return "";
  }
}

}  // namespace

IoError io_error(const std::string& path, const std::string& action) {
  const int error = errno;
  return IoError(published_name(path) + ": cannot " + action + ": " + std::strerror(error) + remedy_of(error));
}

void check_failed(const char* condition, const char* file, int line, const std::string& message) {
  std::fprintf(stderr, "%s:%d: broken invariant `%s`: %s\n", file, line, condition, message.c_str());
  std::abort();
}

}  // namespace permafrost::core
