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

// What a thread is asked to write, each to its own: one that is late, because it was in the kernel, harms no other's.
struct Answer {
  std::array<void*, kMostFrames> frames;
  std::atomic<bool> is_written{false};
};

void write_frames(int, siginfo_t* info, void*) {
  auto* answer = static_cast<Answer*>(info->si_value.sival_ptr);
  boost::stacktrace::safe_dump_to(answer->frames.data(), sizeof answer->frames);
  answer->is_written = true;
}

// Whether the thread is there to be asked.
bool ask(pid_t thread, int signal, Answer* answer) {
  siginfo_t info{};
  info.si_signo = signal;
  info.si_code = SI_QUEUE;
  info.si_pid = ::getpid();
  info.si_uid = ::getuid();
  info.si_value.sival_ptr = answer;
  return ::syscall(SYS_rt_tgsigqueueinfo, ::getpid(), thread, signal, &info) == 0;
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
  auto* answer = new Answer;  // for ever: it may be written at any time
  if (!ask(thread, signal, answer)) return "";
  const auto start = std::chrono::steady_clock::now();
  while (!answer->is_written) {
    if (std::chrono::steady_clock::now() - start > kPatience) return "  gives no answer: in the kernel\n";
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  std::ostringstream text;
  size_t number = 0;
  for (const auto& frame : boost::stacktrace::stacktrace::from_dump(answer->frames.data(), sizeof answer->frames)) {
    if (number++ < 2) continue;  // the handler and what called it
    const std::string name = frame.name();
    text << "  " << (name.empty() ? boost::stacktrace::to_string(frame) : name) << "\n";
  }
  return text.str();
}

}  // namespace

std::string stacks_of_threads() {
  const int signal = SIGRTMIN + 5;
  struct sigaction action {};
  action.sa_sigaction = &write_frames;
  action.sa_flags = SA_RESTART | SA_SIGINFO;
  sigaction(signal, &action, nullptr);            // for ever: a late thread without a handler would end the process
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
