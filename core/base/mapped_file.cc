#include "core/base/mapped_file.h"

#include <sys/mman.h>

#include <cerrno>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/log.h"

namespace permafrost::core {

MappedFile::MappedFile(const std::string& path) : bytes_(file_bytes(path)) {
  const FileDescriptor fd = open_for_reading(path);
  if (bytes_ == 0) return;
  void* data = ::mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd.get(), 0);
  if (data == MAP_FAILED) throw io_error(path, "map");
  data_ = static_cast<char*>(data);
}

MappedFile::~MappedFile() {
  if (data_ != nullptr && ::munmap(data_, bytes_) != 0) log_error() << "cannot unmap a file, errno " << errno;
}

}  // namespace permafrost::core
