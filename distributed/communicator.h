// A group of ranks and what they say to each other outside the tensors: small values, texts, barriers.
//
//   Communicator world(session);
//   const std::string manifest = world.broadcast(world.rank() == 0 ? read_text(path) : "");
//   const std::vector<double> totals = world.all_reduce_sum({loss, count});
//
// Every function but rank() and size() is collective: all ranks call it, in the same order, from one thread at a time;
// a thread of its own takes a duplicate(). All throw IoError with MPI's text. Waiting sleeps, it does not spin.
#pragma once

#include <mpi.h>

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/unique_handle.h"
#include "distributed/mpi_session.h"

namespace permafrost::distributed {

struct MpiCommTraits {
  using Handle = MPI_Comm;
  static Handle invalid() { return MPI_COMM_NULL; }
  static void close(Handle communicator);
};

class Communicator {
 public:
  // All ranks of the job. Collective.
  explicit Communicator(const MpiSession& session);
  // A private copy of `parent`: messages of the two never mix. Collective over `parent`.
  explicit Communicator(MPI_Comm parent);
  Communicator duplicate() const { return Communicator(handle_.get()); }

  int rank() const { return rank_; }
  int size() const { return size_; }
  bool is_root() const { return rank_ == 0; }

  void barrier();
  // The text of `root`, on every rank; what the others pass is ignored. Any bytes, any length.
  std::string broadcast(std::string text, int root = 0);
  // On `root` the texts of all ranks in order of rank; empty elsewhere.
  std::vector<std::string> gather(const std::string& text, int root = 0);
  // The same on every rank.
  std::vector<std::string> all_gather_strings(const std::string& text);
  // Element by element; the same bits on every rank and in every run of as many ranks. All ranks pass as many values.
  std::vector<double> all_reduce_sum(std::vector<double> values);
  int64_t all_reduce_max(int64_t value);

  // For MPI calls of this folder.
  MPI_Comm get() const { return handle_.get(); }

 private:
  core::UniqueHandle<MpiCommTraits> handle_;
  int rank_ = 0;
  int size_ = 1;
};

// Sleeps until all requests are complete.
void wait_for(std::vector<MPI_Request>& requests);

}  // namespace permafrost::distributed
