// Shards made by all ranks together: rank 0 hands them out as ranks come free, and tells how far all of them are.
//
//   ShardWork work("cache build", clips_of_units);
//   std::optional<std::vector<data::ShardSummary>> shards =
//       work.run(world, [&](int64_t unit) { return builder.build_unit(unit); });   // nothing: stopped early
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/cache/shard_summary.h"
#include "distributed/communicator.h"

namespace permafrost::launch {

class ShardWork {
 public:
  // `clips`: of each shard.
  ShardWork(std::string what, std::vector<int64_t> clips) : what_(std::move(what)), clips_(std::move(clips)) {}

  // Calls `make` for each place in `clips`, on whichever rank. Returns the summaries in that order, on rank 0 (none
  // elsewhere), or nothing, on every rank, where a signal stopped the work. Collective.
  std::optional<std::vector<data::ShardSummary>> run(distributed::Communicator& world,
                                                     const std::function<data::ShardSummary(int64_t)>& make) const;

 private:
  std::string what_;
  std::vector<int64_t> clips_;
};

}  // namespace permafrost::launch
