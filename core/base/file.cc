#include "core/base/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <filesystem>
#include <vector>

#include "core/base/error.h"
#include "core/base/log.h"

namespace permafrost::core {
namespace {

constexpr char kPartial[] = ".partial-";

// Returns its bytes. A device or a pipe might never end.
uint64_t require_regular(const FileDescriptor& fd, const std::string& path) {
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) throw io_error(path, "stat");
  if (!S_ISREG(info.st_mode)) {
    throw DataError(path + ": expected a file, found something else: give the path of a file");
  }
  return static_cast<uint64_t>(info.st_size);
}

}  // namespace

void FileDescriptorTraits::close(Handle fd) {
  if (::close(fd) != 0) log_error() << "cannot close a file descriptor, errno " << errno;
}

FileDescriptor open_for_reading(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!fd.is_valid()) throw io_error(path, "open");
  return fd;
}

FileDescriptor open_for_writing(const std::string& path) {
  FileDescriptor fd(::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!fd.is_valid()) throw io_error(path, "create");
  return fd;
}

void read_exactly(int fd, const std::string& path, void* data, size_t bytes, uint64_t offset) {
  auto* at = static_cast<char*>(data);
  while (bytes > 0) {
    const ssize_t got = ::pread(fd, at, bytes, static_cast<off_t>(offset));
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io_error(path, "read");
    if (got == 0) throw DataError(path + ": ends " + std::to_string(bytes) + " bytes early: the file is truncated");
    at += got;
    bytes -= static_cast<size_t>(got);
    offset += static_cast<uint64_t>(got);
  }
}

void write_all(int fd, const std::string& path, const void* data, size_t bytes) {
  const auto* at = static_cast<const char*>(data);
  while (bytes > 0) {
    const ssize_t put = ::write(fd, at, bytes);
    if (put < 0 && errno == EINTR) continue;
    if (put < 0) throw io_error(path, "write");
    at += put;
    bytes -= static_cast<size_t>(put);
  }
}

std::string read_text(const std::string& path, uint64_t limit_bytes) {
  const FileDescriptor fd = open_for_reading(path);
  const uint64_t bytes = require_regular(fd, path);
  if (bytes > limit_bytes) {
    throw DataError(path + ": " + std::to_string(bytes) + " bytes, expected at most " + std::to_string(limit_bytes));
  }
  std::string text(bytes, '\0');
  read_exactly(fd.get(), path, text.data(), bytes, 0);
  return text;
}

void for_each_block(const std::string& path, const std::function<void(const char*, size_t)>& visit) {
  const FileDescriptor fd = open_for_reading(path);
  require_regular(fd, path);
  std::vector<char> block(1 << 20);
  for (;;) {
    const ssize_t got = ::read(fd.get(), block.data(), block.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) throw io_error(path, "read");
    if (got == 0) return;
    visit(block.data(), static_cast<size_t>(got));
  }
}

uint64_t file_bytes(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) throw io_error(path, "stat");
  return static_cast<uint64_t>(info.st_size);
}

void sync_file(const std::string& path) {
  const FileDescriptor fd = open_for_reading(path);
  if (::fsync(fd.get()) != 0) throw io_error(path, "fsync");
}

void publish(const std::string& partial, const std::string& path) {
  sync_file(partial);
  if (::rename(partial.c_str(), path.c_str()) != 0) throw io_error(path, "give the new file its name");
  const auto parent = std::filesystem::path(path).parent_path().string();
  sync_file(parent.empty() ? "." : parent);
}

void publish_written(const std::string& path, const std::function<void(int fd)>& write) {
  const std::string partial = partial_name(path);
  try {
    write(open_for_writing(partial).get());
    publish(partial, path);
  } catch (...) {
    ::unlink(partial.c_str());  // it may be as full as the disk
    throw;
  }
}

void publish_text(const std::string& path, std::string_view text) {
  publish_written(path, [&](int fd) { write_all(fd, path, text.data(), text.size()); });
}

void remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) throw io_error(path, "remove it");
}

void make_directories(const std::string& path) {
  std::error_code error;
  std::filesystem::create_directories(path, error);
  if (error) throw IoError(path + ": cannot create the directory: " + error.message());
}

std::string host_name() {
  char host[256] = {};
  ::gethostname(host, sizeof host - 1);
  return host;
}

std::string partial_name(const std::string& path) {
  return path + kPartial + host_name() + "-" + std::to_string(::getpid());
}

bool is_partial_name(const std::string& name) { return name.find(kPartial) != std::string::npos; }

std::string published_name(const std::string& path) {
  const size_t suffix = path.rfind(kPartial);
  return suffix == std::string::npos || path.find('/', suffix) != std::string::npos ? path : path.substr(0, suffix);
}

}  // namespace permafrost::core
