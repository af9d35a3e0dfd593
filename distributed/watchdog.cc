#include "distributed/watchdog.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <exception>
#include <limits>
#include <sstream>

#include "core/base/clock.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/log.h"

namespace permafrost::distributed {
namespace {

using core::Clock;
using core::seconds_since;
using Seconds = std::chrono::duration<double>;

constexpr std::chrono::milliseconds kLook{100}, kLookWhenLeaving{2};
constexpr double kSilence = 0.5;    // seconds; five beats
constexpr double kLongSilence = 5;  // seconds that are worth a word
constexpr double kLastWords = 5;    // seconds that the ranks have for theirs
constexpr double kRank0Late = 10;   // seconds that rank 0 has, beyond the deadline, to end the job itself
constexpr size_t kMostNamed = 8;

// The host by Slurm's name for it, where there is one: the batch scripts look for it (slurm/faults.sh).
std::string own_place() {
  const char* node = std::getenv("SLURMD_NODENAME");
  return (node != nullptr ? node : core::host_name()) + ", pid " + std::to_string(::getpid());
}

std::string place_in_job(const Beat& beat) {
  const auto phase = static_cast<Phase>(beat.phase);
  return std::string(name_of(phase)) + (phase == Phase::kShard ? " " : " of step ") + std::to_string(beat.step);
}

std::string shown(double seconds) {
  std::ostringstream text;
  text.precision(2);
  text << std::fixed << seconds << " s";
  return text.str();
}

}  // namespace

const char* name_of(Phase phase) {
  constexpr std::array<const char*, 7> kNames{"start", "data",    "forward and backward", "checkpoint", "evaluation",
                                              "shard", "shutdown"};
  return kNames.at(static_cast<size_t>(phase));
}

Watchdog::Watchdog(MpiSession& session, Communicator& world, const StopSignal& stop, const Deadlines& deadlines)
    : session_(session),
      stop_(stop),
      deadlines_(deadlines),
      places_(world.all_gather_strings(own_place())),
      beats_(std::make_unique<Heartbeats>(world)) {
  thread_ = std::thread([this] { run(); });
}

Watchdog::~Watchdog() {
  enter(Phase::kShutdown, step_);
  if (std::uncaught_exceptions() > 0) is_abandoned_ = true;
  is_leaving_ = true;
  thread_.join();
  if (is_abandoned_) beats_.release();  // MPI may still write to it
}

void Watchdog::enter(Phase phase, int64_t step) {
  const std::lock_guard lock(mutex_);
  phase_ = phase;
  step_ = step;
  since_ = Clock::now();
}

std::string Watchdog::name_of(int rank) const {
  return "rank " + std::to_string(rank) + " on " + places_.at(static_cast<size_t>(rank));
}

Beat Watchdog::own_beat() const {
  const std::lock_guard lock(mutex_);
  return {.step = step_, .age_seconds = seconds_since(since_), .phase = static_cast<int32_t>(phase_)};
}

// Positive where the rank should have got on by now; `silence`: for how long it has said nothing.
double Watchdog::overdue_seconds(const Beat& beat, double silence) const {
  const auto phase = static_cast<Phase>(beat.phase);
  const double deadline = phase == Phase::kStart      ? deadlines_.start
                          : phase == Phase::kShutdown ? deadlines_.shutdown
                                                      : deadlines_.step;
  return deadline > 0 ? beat.age_seconds + silence - deadline : -std::numeric_limits<double>::infinity();
}

void Watchdog::run() {
  try {
    while (!is_abandoned_) {
      if (is_leaving_ && beats_->leave(own_beat())) return;
      if (!is_leaving_) beats_->exchange(own_beat());
      session_.rank() == 0 ? watch_world() : watch_rank_0();
      name_the_silent();
      std::this_thread::sleep_for(is_leaving_ ? kLookWhenLeaving : kLook);
    }
    Beat last = own_beat();  // an exception of its own ends this rank: its silence is no fault of its host
    last.is_last = 1;
    beats_->exchange(last);
  } catch (const core::Error& error) {
    core::log_error() << "watchdog: " << error.what();
    session_.abort_job(core::kExitError);
  }
}

// On rank 0: has any rank still time?
void Watchdog::watch_world() {
  double least = overdue_seconds(own_beat(), 0);
  for (const int peer : beats_->peers()) {
    least = std::min(least, overdue_seconds(beats_->heard(peer).beat, beats_->silence_seconds(peer)));
  }
  if (least > 0) end_job();
}

// Those who are silent; else those behind rank 0, the furthest.
std::vector<int> Watchdog::suspects() const {
  const auto progress = [](const Beat& beat) {
    return static_cast<Phase>(beat.phase) == Phase::kShutdown ? std::numeric_limits<int64_t>::max() : beat.step;
  };
  std::vector<int> silent, behind;
  int64_t least = progress(own_beat());
  for (const int peer : beats_->peers()) {
    const Beat& beat = beats_->heard(peer).beat;
    if (beat.is_last) continue;
    if (beats_->silence_seconds(peer) > kSilence) silent.push_back(peer);
    if (progress(beat) < least) behind.clear();
    if (progress(beat) < least || (progress(beat) == least && !behind.empty())) behind.push_back(peer);
    least = std::min(least, progress(beat));
  }
  return silent.empty() ? behind : silent;
}

void Watchdog::end_job() {
  core::log_error() << "no rank has got on within its deadline: ending the job";
  const std::vector<int> named = suspects();
  for (size_t i = 0; i < named.size() && i < kMostNamed; ++i) {
    core::log_error() << last_words(named[i]);
  }
  if (named.size() > kMostNamed) core::log_error() << "and " << named.size() - kMostNamed << " more ranks";
  Beat verdict = own_beat();
  verdict.is_verdict = 1;
  const Clock::time_point start = Clock::now();
  beats_->exchange(verdict);
  tell_own_place();
  while (!beats_->peers().empty() && seconds_since(start) < kLastWords) {
    beats_->exchange(verdict);
    std::this_thread::sleep_for(kLook);
  }
  session_.abort_job(core::kExitError);
}

// On the others: has rank 0 decided, or should it have?
void Watchdog::watch_rank_0() {
  const Heartbeats::Heard& root = beats_->heard(0);
  if (root.beat.is_verdict) {
    tell_own_place();
    if (beats_->silence_seconds(0) < kRank0Late) return;  // it ends the job
  } else if (beats_->silence_seconds(0) < kRank0Late || overdue_seconds(own_beat(), -kRank0Late) < 0) {
    return;
  } else {
    core::log_error() << "nothing goes on, and rank 0 does not say so: ending the job";
    core::log_error() << last_words(0);
    tell_own_place();
  }
  session_.abort_job(core::kExitError);
}

std::string Watchdog::last_words(int rank) const {
  const double silence = beats_->silence_seconds(rank);
  return name_of(rank) + ": " + (silence > kSilence ? "silent for " + shown(silence) : "behind the others") +
         ", last in " + place_in_job(beats_->heard(rank).beat);
}

void Watchdog::tell_own_place() {
  if (std::exchange(has_told_place_, true)) return;
  const Beat beat = own_beat();
  core::log_error() << name_of(session_.rank()) << ": in " << place_in_job(beat) << " for " << shown(beat.age_seconds);
  tell_stacks();
}

// After a rank's death mpirun sends the others TERM, and two seconds later KILL; srun sends them KILL when its --wait
// is over. A wish to stop does not make anybody silent.
void Watchdog::name_the_silent() {
  if (stop_.requested() && asked_to_stop_ == Clock::time_point{}) asked_to_stop_ = Clock::now();
  const bool is_ending = stop_.requested() && seconds_since(asked_to_stop_) > kSilence;
  for (const int peer : beats_->peers()) {
    const double silence = beats_->silence_seconds(peer);
    if (silence < kSilence) named_.erase(peer);
    if (beats_->heard(peer).beat.is_last || silence < (is_ending ? kSilence : kLongSilence)) continue;
    if (!named_.insert(peer).second) continue;
    (is_ending ? core::log_error() : core::log_warning()) << last_words(peer);
  }
}

}  // namespace permafrost::distributed
