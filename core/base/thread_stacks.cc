#include "core/base/thread_stacks.h"

#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <boost/stacktrace.hpp>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <map>
#include <sstream>
#include <thread>
#include <vector>

namespace permafrost::core {
namespace {

constexpr size_t kMostFrames = 32;
constexpr std::chrono::milliseconds kPatience{500};

// A handler gets no argument of ours, so what it writes has to be static; one thread writes at a time.
std::array<void*, kMostFrames> frames;
std::atomic<bool> is_written{false};

void write_frames(int) {
  boost::stacktrace::safe_dump_to(frames.data(), sizeof frames);
  is_written = true;
}

std::vector<pid_t> threads_of_process() {
  std::vector<pid_t> threads;
  for (const auto& entry : std::filesystem::directory_iterator("/proc/self/task")) {
    threads.push_back(static_cast<pid_t>(std::stol(entry.path().filename())));
  }
  return threads;
}

std::string name_of(pid_t thread) {
  std::string name;
  std::getline(std::ifstream("/proc/self/task/" + std::to_string(thread) + "/comm"), name);
  return name + " " + std::to_string(thread);
}

std::string stack_of(pid_t thread, int signal) {
  is_written = false;
  if (::syscall(SYS_tgkill, ::getpid(), thread, signal) != 0) return "";
  const auto start = std::chrono::steady_clock::now();
  while (!is_written) {
    if (std::chrono::steady_clock::now() - start > kPatience) return "  gives no answer: in the kernel\n";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::ostringstream text;
  size_t number = 0;
  for (const auto& frame : boost::stacktrace::stacktrace::from_dump(frames.data(), sizeof frames)) {
    if (number++ < 2) continue;  // the handler and what called it
    const std::string name = frame.name();
    text << "  " << (name.empty() ? boost::stacktrace::to_string(frame) : name) << "\n";
  }
  return text.str();
}

}  // namespace

std::string stacks_of_threads() {
  const int signal = SIGRTMIN + 5;
  struct sigaction action {
  }, previous{};
  action.sa_handler = &write_frames;
  action.sa_flags = SA_RESTART;
  sigaction(signal, &action, &previous);
  std::map<std::string, std::string> threads_at;  // a stack
  for (const pid_t thread : threads_of_process()) {
    if (thread == ::syscall(SYS_gettid)) continue;
    const std::string stack = stack_of(thread, signal);
    if (!stack.empty()) threads_at[stack] += (threads_at[stack].empty() ? "" : ", ") + name_of(thread);
  }
  std::string text;
  for (const auto& [stack, threads] : threads_at) text += "thread " + threads + ":\n" + stack;
  return text;
}

}  // namespace permafrost::core
