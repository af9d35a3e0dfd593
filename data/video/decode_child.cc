#include "data/video/decode_child.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstring>

#include "data/video/decoder.h"
#include "data/video/isolated_source.h"

namespace permafrost::data {
namespace {

constexpr size_t kLongestAnswer = 1 << 20;

class SpawnActions {
 public:
  SpawnActions() { posix_spawn_file_actions_init(&actions_); }
  ~SpawnActions() { posix_spawn_file_actions_destroy(&actions_); }
  SpawnActions(const SpawnActions&) = delete;
  SpawnActions& operator=(const SpawnActions&) = delete;
  posix_spawn_file_actions_t* get() { return &actions_; }

 private:
  posix_spawn_file_actions_t actions_;
};

std::string seconds_text(double seconds) {
  std::array<char, 32> text{};
  std::snprintf(text.data(), text.size(), "%g", seconds);
  return text.data();
}

}  // namespace

void DecodeChild::start() {
  std::array<int, 2> ends{};
  if (::socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends.data()) != 0) {
    throw core::io_error(limits_.program, "start a decoding process");
  }
  socket_ = core::FileDescriptor(ends[0]);
  const core::FileDescriptor theirs(ends[1]);
  SpawnActions actions;
  posix_spawn_file_actions_adddup2(actions.get(), theirs.get(), STDIN_FILENO);
  posix_spawn_file_actions_addopen(actions.get(), STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  posix_spawn_file_actions_addclosefrom_np(actions.get(), STDERR_FILENO + 1);
  const std::string memory = std::to_string(limits_.memory_bytes);
  const std::string seconds = std::to_string(static_cast<int64_t>(std::ceil(limits_.seconds)));
  std::array<const char*, 5> arguments{limits_.program.c_str(), kDecodeChildWord, memory.c_str(), seconds.c_str(),
                                       nullptr};
  const int code = ::posix_spawn(&pid_, limits_.program.c_str(), actions.get(), nullptr,
                                 const_cast<char* const*>(arguments.data()), environ);
  if (code != 0) {
    pid_ = -1;
    throw core::IoError(limits_.program + ": cannot start a decoding process: " + std::strerror(code));
  }
  pending_.clear();
  ++started_;
}

void DecodeChild::end() {
  if (pid_ < 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = -1;
  socket_.reset();
}

void DecodeChild::fail_late(const std::string& path) {
  end();
  throw VideoError(
      path, "takes too long",
      "its decoding was ended after " + seconds_text(limits_.seconds) + " s: raise --time-limit if the file is sound");
}

void DecodeChild::fail_dead(const std::string& path) {
  int status = 0;
  ::waitpid(pid_, &status, 0);
  pid_ = -1;
  socket_.reset();
  if (WIFEXITED(status) && WEXITSTATUS(status) == kChildOutOfMemory) {
    throw VideoError(path, "takes too much memory",
                     "decoding it takes more than " + std::to_string(limits_.memory_bytes >> 20) +
                         " MiB: raise --memory-limit if the file is sound");
  }
  if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) fail_late(path);
  const std::string how = WIFSIGNALED(status) ? "signal " + std::to_string(WTERMSIG(status))
                                              : "exit code " + std::to_string(WEXITSTATUS(status));
  throw VideoError(path, "crashes the decoder", "the process that decoded it died of " + how);
}

void DecodeChild::send(const std::string& path, const std::string& text) {
  size_t sent = 0;
  while (sent < text.size()) {
    const ssize_t count = ::send(socket_.get(), text.data() + sent, text.size() - sent, MSG_NOSIGNAL);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_dead(path);
    sent += static_cast<size_t>(count);
  }
}

size_t DecodeChild::receive_some(const std::string& path, void* data, size_t bytes) {
  for (;;) {
    const auto left =
        std::chrono::duration_cast<std::chrono::milliseconds>(deadline_ - std::chrono::steady_clock::now());
    pollfd ready{socket_.get(), POLLIN, 0};
    const int count = ::poll(&ready, 1, static_cast<int>(std::clamp<int64_t>(left.count(), 0, 1'000'000)));
    if (count < 0 && errno == EINTR) continue;
    if (count <= 0) fail_late(path);
    const ssize_t received = ::recv(socket_.get(), data, bytes, 0);
    if (received < 0 && errno == EINTR) continue;
    if (received <= 0) fail_dead(path);
    return static_cast<size_t>(received);
  }
}

std::string DecodeChild::ask(const std::string& path, const std::string& request) {
  const bool is_new = pid_ < 0;
  if (is_new) start();
  // A program that loads its libraries is not the file's fault.
  constexpr double kStartSeconds = 60;
  const double seconds = limits_.seconds + (is_new ? kStartSeconds : 0);
  deadline_ = std::chrono::steady_clock::now() + std::chrono::milliseconds(static_cast<int64_t>(seconds * 1000));
  send(path, request + "\n");
  size_t newline = 0;
  while ((newline = pending_.find('\n')) == std::string::npos) {
    std::array<char, 4096> block{};
    pending_.append(block.data(), receive_some(path, block.data(), block.size()));
    if (pending_.size() > kLongestAnswer) {
      end();
      throw VideoError(path, "crashes the decoder", "the process that decoded it answers nonsense");
    }
  }
  const std::string answer = pending_.substr(0, newline);
  pending_.erase(0, newline + 1);
  return answer;
}

void DecodeChild::receive(const std::string& path, void* data, size_t bytes) {
  auto* out = static_cast<char*>(data);
  const size_t early = std::min(bytes, pending_.size());
  std::memcpy(out, pending_.data(), early);
  pending_.erase(0, early);
  for (size_t done = early; done < bytes;) done += receive_some(path, out + done, bytes - done);
}

}  // namespace permafrost::data
