// A wish to stop, from Slurm, mpirun or a keyboard, kept until the next step boundary.
//
//   StopSignal stop;
//   for (...) { step(); if (stop.agreed(world)) { save(); return core::kExitRequeue; } }
//
// USR2, TERM and the first INT are noted; a second INT ends the process at once. At most one at a time; its destructor
// gives the signals back. hold() keeps USR2, which Slurm sends when it likes, from ending a process that has no
// StopSignal yet, or no longer.
#pragma once

#include <csignal>

#include "distributed/communicator.h"

namespace permafrost::distributed {

class StopSignal {
 public:
  // From here on USR2 waits for a StopSignal. Before any thread is started.
  static void hold();

  StopSignal();
  ~StopSignal();
  StopSignal(const StopSignal&) = delete;
  StopSignal& operator=(const StopSignal&) = delete;

  // Whether this rank was asked.
  bool requested() const;
  // Whether any rank was asked: the same answer everywhere, so that all stop after the same step. Collective, one
  // reduction of a number.
  bool agreed(Communicator& communicator) const;
  // "SIGUSR2", or "" while nothing was asked of this rank: for the log.
  const char* name() const;

 private:
  struct sigaction previous_usr2_ {};
  struct sigaction previous_term_ {};
  struct sigaction previous_int_ {};
  bool was_held_ = false;
};

}  // namespace permafrost::distributed
