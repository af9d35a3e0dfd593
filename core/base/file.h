// Files that are there whole or not at all.
//
//   publish_text("runs/a/status.json", text);            // written beside, fsynced, renamed, folder fsynced
//   std::string text = read_text("configs/demo.ini");
//
// Every function throws IoError with the path and the system's own text; what reads a whole file throws DataError where
// it is none.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "core/base/unique_handle.h"

namespace permafrost::core {

struct FileDescriptorTraits {
  using Handle = int;
  static Handle invalid() { return -1; }
  static void close(Handle fd);
};
using FileDescriptor = UniqueHandle<FileDescriptorTraits>;

FileDescriptor open_for_reading(const std::string& path);
// Creates or truncates; mode 0644 less the umask.
FileDescriptor open_for_writing(const std::string& path);

// Reads exactly `bytes` bytes at `offset`; a short file is an error.
void read_exactly(int fd, const std::string& path, void* data, size_t bytes, uint64_t offset);
void write_all(int fd, const std::string& path, const void* data, size_t bytes);

// Refuses files larger than `limit_bytes`.
std::string read_text(const std::string& path, uint64_t limit_bytes = uint64_t{1} << 30);
void for_each_block(const std::string& path, const std::function<void(const char*, size_t)>& visit);

uint64_t file_bytes(const std::string& path);

// Makes `partial` durable and gives it the name `path`: fsync, rename, fsync of the folder. Works for a file and for
// a directory whose files were fsynced before.
void publish(const std::string& partial, const std::string& path);
// Publishes what `write` puts into the file; whatever is thrown on the way, nothing half-written is left.
void publish_written(const std::string& path, const std::function<void(int fd)>& write);
void publish_text(const std::string& path, std::string_view text);
void sync_file(const std::string& path);
// A file that is not there is removed already.
void remove_file(const std::string& path);

// Like mkdir -p.
void make_directories(const std::string& path);

// Of this machine, "" where it has none.
std::string host_name();

// The name a file bears until it is published: "PATH.partial-HOST-PID".
std::string partial_name(const std::string& path);
// Whether a file of this name was left half-written by a process that was killed.
bool is_partial_name(const std::string& name);
// PATH of "PATH.partial-HOST-PID", for messages: users know a file by its own name.
std::string published_name(const std::string& path);

}  // namespace permafrost::core
