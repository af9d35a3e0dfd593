// A process of its own that opens and decodes files nobody has looked at yet: what crashes it, hangs in it or eats its
// memory is an error of that file and nothing more.
//
//   DecodeChild child({.seconds = 60, .memory_bytes = int64_t{1} << 30});
//   VideoReader reader("videos/a.mp4", {.child = &child});     // same facts, same frames
//
// The child is this program, started by posix_spawn as `PROGRAM decode-child` (a fork would copy MPI, threads and open
// files) and kept for many files. It is killed when a request takes too long, and started again by the next request.
// It goes away with its owner: at the end of its input, and by its own alarm where it hangs. One thread at a time.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>

#include "core/base/file.h"

namespace permafrost::data {

struct ChildLimits {
  double seconds = 60;                      // of one request: open, read, decode to the end
  int64_t memory_bytes = int64_t{2} << 30;  // beside what the program itself takes when it starts
  std::string program = "/proc/self/exe";
};

class DecodeChild {
 public:
  explicit DecodeChild(ChildLimits limits = {}) : limits_(std::move(limits)) {}
  ~DecodeChild() { end(); }
  DecodeChild(const DecodeChild&) = delete;
  DecodeChild& operator=(const DecodeChild&) = delete;

  // Sends one line and gives the line of the answer. Throws VideoError about `path` of the kinds "takes too long",
  // "takes too much memory", "crashes the decoder"; IoError where no child can be started.
  std::string ask(const std::string& path, const std::string& request);
  // The bytes that follow the answer.
  void receive(const std::string& path, void* data, size_t bytes);

  // The number of the child that runs now, counted from 1; 0 where none does. A file is open in one child only.
  int64_t running() const { return pid_ < 0 ? 0 : started_; }

 private:
  void start();
  void end();
  void send(const std::string& path, const std::string& text);
  size_t receive_some(const std::string& path, void* data, size_t bytes);
  [[noreturn]] void fail_late(const std::string& path);
  [[noreturn]] void fail_dead(const std::string& path);

  ChildLimits limits_;
  pid_t pid_ = -1;
  core::FileDescriptor socket_;
  std::string pending_;  // received, not yet handed on
  std::chrono::steady_clock::time_point deadline_;
  int64_t started_ = 0;
};

inline constexpr const char* kDecodeChildWord = "decode-child";

// What `PROGRAM decode-child MEMORY_BYTES SECONDS` does: answers requests on `socket` until its end. Does not return.
[[noreturn]] void serve_decoding(int socket, int64_t memory_bytes, int64_t seconds);

}  // namespace permafrost::data
