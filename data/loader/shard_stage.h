// Copies, on a node's own disk, of the shards that the node reads next: bounded, checked, shared by its ranks, removed
// at the end. They change how fast a batch is there, never which batch it is.
//
//   ShardStage stage(cache, {.directory = "scratch", .limit_bytes = 500'000'000'000});
//   cache.use_copies(&stage);              // on every rank
//   stage.fetch_ahead(requests);           // on one rank of the node: the others find what it copies
//   stage.reach(batch);                    // on that rank, whenever the reads of a batch begin
//
// What is copied, and what makes room, StagePlan says; where it lies, StageFolder. Where another process holds the
// folder, its copies are read, and it is taken over when that process is gone. Trouble with the disk is told once; what
// is not there is read from the cache. A shard that is not what the index says is not staged.
#pragma once

#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "data/cache/cache_reader.h"
#include "data/loader/shard_requests.h"
#include "data/loader/stage_folder.h"
#include "data/loader/stage_plan.h"

namespace permafrost::data {

struct ShardStageOptions {
  std::string directory;     // on a disk of the node; created where it is not there
  uint64_t limit_bytes = 0;  // of all copies of the node at any moment, the one being made included
};

struct StageStatistics {
  int64_t reads = 0;  // of this process
  int64_t staged_reads = 0;
  int64_t copied_shards = 0;
  uint64_t copied_bytes = 0;
};

class ShardStage : public ShardCopies {
 public:
  // `cache` must outlive it.
  ShardStage(const CacheReader& cache, ShardStageOptions options);
  // Stops copying, and removes the folder where this process holds it.
  ~ShardStage() override;
  ShardStage(const ShardStage&) = delete;
  ShardStage& operator=(const ShardStage&) = delete;

  // Starts the thread that copies. At most once. `requests` is called on it.
  void fetch_ahead(ShardRequests requests);
  // The reads of this batch of `requests`, counted from 0, begin: those of earlier ones are past. Returns at once.
  void reach(int64_t batch);

  core::FileDescriptor open(int64_t place) const override;
  void reject(int64_t place) const override;
  StageStatistics statistics() const;

 private:
  void work(const ShardRequests& requests);
  bool take_folder(StagePlan& plan);
  bool fetch_one(StagePlan& plan);
  bool has_room(StagePlan& plan, const StagePlan::Fetch& fetch);
  void copy(StagePlan& plan, int64_t shard);
  void wait();

  const CacheReader& cache_;
  ShardStageOptions options_;
  std::string path_;  // of the folder, whoever holds it
  std::optional<StageFolder> folder_;
  bool is_told_of_folder_ = false, is_told_of_room_ = false;

  mutable std::atomic<int64_t> reads_ = 0, staged_reads_ = 0;
  mutable std::atomic<bool> is_told_of_copy_ = false;
  std::atomic<int64_t> copied_shards_ = 0;
  std::atomic<uint64_t> copied_bytes_ = 0;

  std::mutex mutex_;
  std::condition_variable changed_;
  int64_t reached_ = 0, seen_ = 0;
  std::atomic<bool> is_stopping_ = false;
  std::thread thread_;
};

}  // namespace permafrost::data
