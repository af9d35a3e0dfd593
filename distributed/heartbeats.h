// Where each rank is, told to rank 0 and by rank 0 to each, a few times a second.
//
//   Heartbeats beats(world);
//   beats.exchange({.phase = 2, .step = 37, .age_seconds = 0.4});    // never waits
//   beats.heard(1).beat.step, beats.silence_seconds(1)
//
// A rank that is stopped, or whose node is gone, is silent; one that hangs in a step says so itself. Used by one
// thread.
#pragma once

#include <chrono>
#include <deque>

#include "distributed/communicator.h"

namespace permafrost::distributed {

struct Beat {
  int64_t step = 0;
  double age_seconds = 0;  // since the rank last got on
  int32_t phase = 0;
  int8_t is_verdict = 0;  // of rank 0: the job is to end, each rank says where it is
  int8_t is_last = 0;     // nothing follows
};

class Heartbeats {
 public:
  using Clock = std::chrono::steady_clock;
  struct Heard {
    Beat beat;
    Clock::time_point when = Clock::now();
  };

  // Collective over `world`, which it copies.
  explicit Heartbeats(const Communicator& world);
  // Forgets what is under way: leave() first where the job goes on.
  ~Heartbeats() = default;

  // Those that this rank hears: rank 0 all others, each other rank 0.
  const std::vector<int>& peers() const { return peers_; }
  const Heard& heard(int peer) const { return link_of(peer).heard; }
  double silence_seconds(int peer) const;

  // Sends `own` to whoever has taken the beat before, and looks what has come.
  void exchange(const Beat& own);
  // The same, for the last time: to be called until it is true. Then no message is under way.
  bool leave(Beat own);

 private:
  struct Link {
    int peer;
    Beat in, out;
    MPI_Request receive = MPI_REQUEST_NULL, send = MPI_REQUEST_NULL;
    Heard heard{};
  };

  const Link& link_of(int peer) const;
  void ask(Link& link);
  void listen(Link& link);
  void say(Link& link, const Beat& beat);

  Communicator world_;
  std::vector<int> peers_;
  std::deque<Link> links_;  // MPI writes to them: they stay where they are
};

}  // namespace permafrost::distributed
