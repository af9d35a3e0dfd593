// Shards made by all ranks together: rank 0 hands them out as ranks come free, and tells how far all of them are.
//
//   ShardWork work(invocation, "cache build", clips_of_units);
//   std::optional<std::vector<data::ShardSummary>> shards = work.run(
//       world, [&](int64_t unit, const auto& get_on) { return builder.build_unit(unit, get_on); });
//   if (!shards) return core::kExitRequeue;  // a signal stopped it
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "data/cache/shard_summary.h"
#include "distributed/communicator.h"
#include "launch/program.h"

namespace permafrost::launch {

class ShardWork {
 public:
  using GetOn = std::function<void()>;  // tells the watchdog, from any thread
  using Make = std::function<data::ShardSummary(int64_t, const GetOn&)>;

  // `clips`: of each shard.
  ShardWork(const Invocation& invocation, std::string what, std::vector<int64_t> clips)
      : invocation_(invocation), what_(std::move(what)), clips_(std::move(clips)) {}

  // Calls `make` for each place in `clips`, on whichever rank. Returns the summaries in that order, on rank 0 (none
  // elsewhere), or nothing, on every rank, where a signal stopped the work. Collective. A watchdog ends the job where
  // no rank gets on.
  std::optional<std::vector<data::ShardSummary>> run(distributed::Communicator& world, const Make& make) const;

 private:
  const Invocation& invocation_;
  std::string what_;
  std::vector<int64_t> clips_;
};

}  // namespace permafrost::launch
