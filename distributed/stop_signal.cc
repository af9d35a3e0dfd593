#include "distributed/stop_signal.h"

#include <atomic>

#include "core/base/error.h"

namespace permafrost::distributed {
namespace {

// A handler gets no argument of ours, so what it writes has to be static; StopSignal is its only user.
std::atomic<int> received{0};
std::atomic<int> interrupts{0};
std::atomic<bool> has_owner{false};
static_assert(std::atomic<int>::is_always_lock_free, "a signal handler may not take a lock");

void note(int signal) {
  if (signal == SIGINT && ++interrupts > 1) {
    // Blocked until this handler returns; then it ends the process, and the shell sees why.
    std::signal(SIGINT, SIG_DFL);
    std::raise(SIGINT);
    return;
  }
  received = signal;
}

void install(int signal, struct sigaction* previous) {
  struct sigaction action {};
  action.sa_handler = &note;
  sigemptyset(&action.sa_mask);
  action.sa_flags = SA_RESTART;
  if (sigaction(signal, &action, previous) != 0) throw core::io_error("signal " + std::to_string(signal), "handle it");
}

// Returns whether USR2 was blocked before.
bool mask_usr2(int how) {
  sigset_t usr2, previous;
  sigemptyset(&usr2);
  sigaddset(&usr2, SIGUSR2);
  pthread_sigmask(how, &usr2, &previous);
  return sigismember(&previous, SIGUSR2) == 1;
}

}  // namespace

void StopSignal::hold() { mask_usr2(SIG_BLOCK); }

StopSignal::StopSignal() {
  PERMAFROST_CHECK(!has_owner.exchange(true), "a second StopSignal at the same time");
  received = 0;
  interrupts = 0;
  install(SIGUSR2, &previous_usr2_);
  install(SIGTERM, &previous_term_);
  install(SIGINT, &previous_int_);
  was_held_ = mask_usr2(SIG_UNBLOCK);
}

StopSignal::~StopSignal() {
  if (was_held_) mask_usr2(SIG_BLOCK);
  sigaction(SIGUSR2, &previous_usr2_, nullptr);
  sigaction(SIGTERM, &previous_term_, nullptr);
  sigaction(SIGINT, &previous_int_, nullptr);
  has_owner = false;
}

bool StopSignal::requested() const { return received != 0; }

bool StopSignal::agreed(Communicator& communicator) const {
  return communicator.all_reduce_max(requested() ? 1 : 0) != 0;
}

const char* StopSignal::name() const {
  switch (received) {
    case SIGUSR2:
      return "SIGUSR2";
    case SIGTERM:
      return "SIGTERM";
    case SIGINT:
      return "SIGINT";
    default:
      return "";
  }
}

}  // namespace permafrost::distributed
