// Ends the process where something takes too long, with the stacks of its threads: for the calls of MPI that may wait
// for a rank that never comes.
//
//   { const Deadline deadline("MPI_Init_thread", 600); MPI_TRY(MPI_Init_thread(...)); }
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

namespace permafrost::distributed {

// Of a job, in seconds without any rank getting on; 0: none.
struct Deadlines {
  double start = 600;  // MPI, opening the cache, reading a checkpoint
  double step = 1800;  // waiting for a batch, a step or one of its micro-batches, a checkpoint, a part of an evaluation
  double shutdown = 300;  // the last checkpoint, leaving MPI
};

class Deadline {
 public:
  // What takes `seconds` ends the process with kExitError, which ends the job; 0: never.
  Deadline(std::string what, double seconds);
  ~Deadline();
  Deadline(const Deadline&) = delete;
  Deadline& operator=(const Deadline&) = delete;

 private:
  std::mutex mutex_;
  std::condition_variable has_ended_;
  bool is_over_ = false;
  std::thread thread_;
};

// Tells the stacks of all threads, unless that takes longer than it may: then the process ends without.
void tell_stacks();

}  // namespace permafrost::distributed
