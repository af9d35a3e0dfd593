// MPI from start to end of the process: initialises it, finalises it, and ends the whole job when one rank cannot go
// on.
//
//   MpiSession session(&argc, &argv);                    // first in main, outside any try
//   try { return run(session); }
//   catch (const core::Error& error) { core::log_error() << error.what(); session.abort_job(error.exit_code()); }
//
// Started without a launcher it is a job of one rank. At most one session per process: MPI cannot start twice.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "distributed/deadline.h"
#include "distributed/mpi_error.h"

namespace permafrost::distributed {

class MpiSession {
 public:
  // Asks for MPI_THREAD_MULTIPLE and for error codes instead of MPI's own abort. Throws ConfigError when the launcher
  // started another number of ranks than MPI sees (a PMIx mismatch would run N copies of rank 0 over the same files),
  // IoError when MPI does not start or offers fewer threads. Starting and finalising wait for the other ranks, under
  // their deadlines.
  MpiSession(int* argc, char*** argv, const Deadlines& deadlines = {});
  // Finalises. While an exception unwinds it aborts the job instead: the others may be waiting for this rank.
  ~MpiSession();
  MpiSession(const MpiSession&) = delete;
  MpiSession& operator=(const MpiSession&) = delete;

  int rank() const { return rank_; }
  int size() const { return size_; }
  // Among the ranks of this node, in the order of their ranks: the index of the GPU to use.
  int local_rank() const { return local_rank_; }
  int local_size() const { return local_size_; }
  // The ranks of this node, this one among them, ascending.
  const std::vector<int>& node_ranks() const { return node_ranks_; }

  // Ends every rank of the job, this one with `exit_code`; never returns. Other ranks get no chance to clean up, so
  // files must be published whole or not at all. A job of one rank leaves without a word of MPI's.
  [[noreturn]] void abort_job(int exit_code);

 private:
  void start(int* argc, char*** argv);
  void find_place();

  Deadlines deadlines_;
  int rank_ = 0;
  int size_ = 1;
  int local_rank_ = 0;
  int local_size_ = 1;
  std::vector<int> node_ranks_{0};
};

// The number of ranks the launcher says it started, and who says so.
struct ExpectedRanks {
  int64_t count;
  std::string variable;
};

// Reads the environment through `lookup` (nullptr where unset): OMPI_COMM_WORLD_SIZE under mpirun, else the size of the
// Slurm step that started this process. Nothing where no launcher is visible, nor in the shell of an allocation (batch
// and interactive steps), where a program is one process whatever the size of the job.
std::optional<ExpectedRanks> expected_ranks(const std::function<const char*(const char*)>& lookup);
// The same of this process's environment.
std::optional<ExpectedRanks> launched_ranks();

}  // namespace permafrost::distributed
