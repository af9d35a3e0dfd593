// Units of work, handed by rank 0 to the ranks as they come free; rank 0 works too.
//
//   WorkQueue queue(world, units);                        // units of rank 0 count, the others' are ignored
//   while (std::optional<int64_t> unit = queue.next()) build(*unit);
//
// Each unit is handed out exactly once, in the order given; which rank gets it depends on time, so nothing that a unit
// produces may depend on the rank.
#pragma once

#include <atomic>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "distributed/communicator.h"
#include "distributed/request_server.h"

namespace permafrost::distributed {

class WorkQueue {
 public:
  // Collective over `communicator`, which it copies.
  WorkQueue(const Communicator& communicator, std::vector<int64_t> units);

  // The next unit, or nothing when all are handed out or the queue is closed. A rank may stop asking at any time. Off
  // rank 0 it takes a round trip of up to some milliseconds. Throws IoError.
  // `report` goes to rank 0, where it takes the place of this rank's one before.
  std::optional<int64_t> next(const std::string& report = "");

  // From now on next() gives nothing, on every rank: for a job that was asked to stop. Any rank may call it.
  void close();

  // The last report of each rank, on rank 0. From any thread.
  std::vector<std::string> reports() const;
  // Units whose ranks have come back for another one. Counted on rank 0, 0 elsewhere.
  int64_t finished() const { return finished_; }

 private:
  std::string answer(const std::string& question, int rank);

  std::vector<int64_t> units_;
  size_t handed_out_ = 0;
  std::vector<bool> is_busy_;  // by rank
  std::atomic<int64_t> finished_ = 0;
  mutable std::mutex reports_mutex_;
  std::vector<std::string> reports_;  // by rank
  RequestServer server_;              // last: its thread uses the members above until it ends
};

}  // namespace permafrost::distributed
