#include "core/base/file_lock.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "core/base/error.h"

namespace permafrost::core {
namespace {

std::string owner_named_in(int fd) {
  std::array<char, 300> text{};
  const ssize_t bytes = ::pread(fd, text.data(), text.size() - 1, 0);
  return bytes > 0 ? std::string(text.data(), static_cast<size_t>(bytes)) : "another process";
}

}  // namespace

DirectoryLock::DirectoryLock(const std::string& directory) : path_(directory + "/.lock") {
  make_directories(directory);
  fd_.reset(::open(path_.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0644));
  if (!fd_.is_valid()) throw io_error(path_, "create");
  if (::flock(fd_.get(), LOCK_EX | LOCK_NB) != 0) {
    if (errno != EWOULDBLOCK) throw io_error(path_, "lock");
    throw IoError(directory + ": in use by " + owner_named_in(fd_.get()) + ": wait for it, or stop it");
  }
  const std::string owner = "pid " + std::to_string(::getpid()) + " on " + host_name();
  if (::ftruncate(fd_.get(), 0) != 0) throw io_error(path_, "truncate");
  write_all(fd_.get(), path_, owner.data(), owner.size());
}

bool DirectoryLock::is_current() const {
  struct stat locked {};
  struct stat named {};
  return ::fstat(fd_.get(), &locked) == 0 && ::stat(path_.c_str(), &named) == 0 && locked.st_dev == named.st_dev &&
         locked.st_ino == named.st_ino;
}

}  // namespace permafrost::core
