// Ends a job in which nothing goes on any more, and says where.
//
//   Watchdog watchdog(session, world, stop, {.step = 600});
//   for (...) { watchdog.enter(Phase::kStep, step); step_once(); }
//
// Rank 0 hears where every rank is. While any of them gets on, the others may wait for it. When none has for longer
// than its phase's deadline, each rank tells its phase, its step and the stacks of its threads, rank 0 names those that
// are silent (stopped, or their node is gone) or behind, and the job ends with kExitError. Where rank 0 itself is
// silent the others do it. When a rank dies, its launcher ends the others: they name whom they no longer hear, and
// where it was.
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>
#include <vector>

#include "distributed/communicator.h"
#include "distributed/deadline.h"
#include "distributed/heartbeats.h"
#include "distributed/stop_signal.h"

namespace permafrost::distributed {

enum class Phase : int32_t { kStart, kData, kStep, kCheckpoint, kEvaluation, kShard, kShutdown };
const char* name_of(Phase phase);

class Watchdog {
 public:
  // The phase is kStart. Collective over `world`; `session` and `stop` outlive it.
  Watchdog(MpiSession& session, Communicator& world, const StopSignal& stop, const Deadlines& deadlines);
  // Waits for the other ranks', under the deadline of kShutdown, unless an exception unwinds: then the job ends anyway.
  ~Watchdog();
  Watchdog(const Watchdog&) = delete;
  Watchdog& operator=(const Watchdog&) = delete;

  // The rank got on: it begins `step` of `phase`, or a part of it (a clip of an evaluation, a video of the shard `step`
  // of a cache). Costs a lock. Thread-safe.
  void enter(Phase phase, int64_t step);
  // "rank 1 on HOST, pid 4711"
  std::string name_of(int rank) const;

 private:
  void run();
  void watch_world();
  void watch_rank_0();
  void name_the_silent();
  [[noreturn]] void end_job();
  void tell_own_place();
  std::string last_words(int rank) const;
  std::vector<int> suspects() const;
  Beat own_beat() const;
  double overdue_seconds(const Beat& beat, double silence) const;

  MpiSession& session_;
  const StopSignal& stop_;
  const Deadlines deadlines_;
  std::vector<std::string> places_;  // "HOST, pid 4711", by rank
  std::unique_ptr<Heartbeats> beats_;
  mutable std::mutex mutex_;  // of the next three
  Phase phase_ = Phase::kStart;
  int64_t step_ = 0;
  Heartbeats::Clock::time_point since_ = Heartbeats::Clock::now();
  std::atomic<bool> is_leaving_{false}, is_abandoned_{false};
  bool has_told_place_ = false;
  std::set<int> named_;  // who is silent, and was named for it
  Heartbeats::Clock::time_point asked_to_stop_{};
  std::thread thread_;
};

}  // namespace permafrost::distributed
