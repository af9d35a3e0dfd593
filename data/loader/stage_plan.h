// Which shards are worth a copy on the node's disk, and which copies make room: a function of what is read when.
//
//   StagePlan plan(index.shards, limit_bytes, requests);
//   plan.advance(batch);                                 // the reads of earlier batches are past
//   while (auto fetch = plan.next_fetch()) { drop(fetch->evicted); plan.hold(fetch->shard); ...; plan.arrive(...); }
//
// All is counted in records: a copy costs those of its shard, and saves one with each read. It is worth it where the
// shard will be read more often than it has records; among those comes first what is read first. Where there is no
// room, copies are evicted that have paid for themselves, or will not be read again: first the one whose next read is
// furthest away (Belady), and only where the newcomer saves more than it costs with what the evicted would have saved,
// or with what copying them again in time costs. So no more is copied than is saved, and epochs that are shuffled over
// all shards evict nothing.
#pragma once

#include <cstdint>
#include <deque>
#include <limits>
#include <optional>
#include <vector>

#include "data/cache/shard_summary.h"
#include "data/loader/shard_requests.h"

namespace permafrost::data {

class StagePlan {
 public:
  static constexpr int64_t kNever = std::numeric_limits<int64_t>::max();

  struct Fetch {
    int64_t shard = 0;
    std::vector<int64_t> evicted{};  // to be dropped first
  };

  StagePlan(const std::vector<ShardSummary>& shards, uint64_t limit_bytes, ShardRequests requests);

  // Batches are counted from the first of `requests`.
  void advance(int64_t batch);
  // Whether nothing is read any more.
  bool is_finished() const { return is_exhausted_ && known_reads_ == 0; }
  std::optional<Fetch> next_fetch() const;

  // The shard takes its bytes from now on, be its copy whole or not.
  void hold(int64_t shard);
  // Its copy is whole: the reads from now on pay for it.
  void arrive(int64_t shard);
  void drop(int64_t shard);
  // It is never fetched (again).
  void give_up(int64_t shard);
  void set_limit(uint64_t bytes) { limit_bytes_ = bytes; }

  uint64_t limit_bytes() const { return limit_bytes_; }
  uint64_t held_bytes() const { return held_bytes_; }

 private:
  struct Shard {
    uint64_t bytes = 0;
    int64_t records = 0;
    std::deque<int64_t> reads{};  // to come, by batch
    int64_t owed = 0;             // reads until its copy has paid for itself
    bool is_held = false;
    bool is_given_up = false;

    int64_t next_read() const { return reads.empty() ? kNever : reads.front(); }
    int64_t reads_before(int64_t batch) const;
  };

  void read_ahead();
  std::vector<int64_t> candidates() const;
  std::vector<int64_t> victims() const;
  bool find_room(const Shard& newcomer, const std::vector<int64_t>& victims, std::vector<int64_t>& evicted) const;
  bool is_worth(const Shard& newcomer, const std::vector<int64_t>& evicted) const;

  std::vector<Shard> shards_;
  uint64_t limit_bytes_;
  ShardRequests requests_;
  int64_t requested_ = 0;    // batches
  int64_t known_reads_ = 0;  // over all shards
  uint64_t held_bytes_ = 0;
  bool is_exhausted_ = false;
};

}  // namespace permafrost::data
