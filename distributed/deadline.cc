#include "distributed/deadline.h"

#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/thread_stacks.h"

namespace permafrost::distributed {

constexpr unsigned kMostSecondsForStacks = 20;

void tell_stacks() {
  // A thread that hangs may hold the lock of the heap, which the text of its stack needs.
  std::signal(SIGALRM, SIG_DFL);
  ::alarm(kMostSecondsForStacks);
  core::log_error() << "its threads:\n" << core::stacks_of_threads();
  ::alarm(0);
}

Deadline::Deadline(std::string what, double seconds) {
  if (seconds <= 0) return;
  thread_ = std::thread([this, what = std::move(what), seconds] {
    std::unique_lock lock(mutex_);
    if (has_ended_.wait_for(lock, std::chrono::duration<double>(seconds), [this] { return is_over_; })) return;
    core::log_error() << what << " has taken more than " << seconds << " s: ending the job";
    tell_stacks();
    std::_Exit(core::kExitError);
  });
}

Deadline::~Deadline() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    is_over_ = true;
  }
  has_ended_.notify_one();
  thread_.join();
}

}  // namespace permafrost::distributed
