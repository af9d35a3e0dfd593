#include "data/loader/stage_plan.h"

#include <algorithm>
#include <utility>

namespace permafrost::data {
namespace {

// Reads that are known in advance, 8 bytes each: 12 epochs of Kinetics-710 on one node, as many more as there are
// nodes.
constexpr int64_t kReadsAhead = int64_t{1} << 23;

}  // namespace

int64_t StagePlan::Shard::reads_before(int64_t batch) const {
  return std::lower_bound(reads.begin(), reads.end(), batch) - reads.begin();
}

StagePlan::StagePlan(const std::vector<ShardSummary>& shards, uint64_t limit_bytes, ShardRequests requests)
    : limit_bytes_(limit_bytes), requests_(std::move(requests)) {
  for (const ShardSummary& shard : shards) shards_.push_back({.bytes = shard.bytes, .records = shard.records()});
  read_ahead();
}

void StagePlan::read_ahead() {
  while (!is_exhausted_ && known_reads_ < kReadsAhead) {
    const std::optional<std::vector<int64_t>> batch = requests_();
    if (!batch) {
      is_exhausted_ = true;
      return;
    }
    for (const int64_t shard : *batch) shards_.at(shard).reads.push_back(requested_);
    known_reads_ += static_cast<int64_t>(batch->size());
    ++requested_;
  }
}

void StagePlan::advance(int64_t batch) {
  for (Shard& shard : shards_) {
    const int64_t past = shard.reads_before(batch);
    shard.reads.erase(shard.reads.begin(), shard.reads.begin() + past);
    shard.owed -= past;
    known_reads_ -= past;
  }
  read_ahead();
}

// What is worth a copy, the one that is read first at the front.
std::vector<int64_t> StagePlan::candidates() const {
  std::vector<int64_t> places;
  for (size_t i = 0; i < shards_.size(); ++i) {
    const Shard& shard = shards_[i];
    if (shard.is_held || shard.is_given_up || shard.bytes > limit_bytes_) continue;
    if (static_cast<int64_t>(shard.reads.size()) > shard.records) places.push_back(static_cast<int64_t>(i));
  }
  std::stable_sort(places.begin(), places.end(),
                   [&](int64_t a, int64_t b) { return shards_[a].next_read() < shards_[b].next_read(); });
  return places;
}

// What may be evicted, the one that is read last at the front.
std::vector<int64_t> StagePlan::victims() const {
  std::vector<int64_t> places;
  for (size_t i = 0; i < shards_.size(); ++i) {
    const Shard& shard = shards_[i];
    if (shard.is_held && (shard.owed <= 0 || shard.reads.empty())) places.push_back(static_cast<int64_t>(i));
  }
  std::stable_sort(places.begin(), places.end(),
                   [&](int64_t a, int64_t b) { return shards_[a].next_read() > shards_[b].next_read(); });
  return places;
}

bool StagePlan::find_room(const Shard& newcomer, const std::vector<int64_t>& victims,
                          std::vector<int64_t>& evicted) const {
  uint64_t held = held_bytes_;
  for (const int64_t place : victims) {
    if (held + newcomer.bytes <= limit_bytes_) break;
    evicted.push_back(place);
    held -= shards_[place].bytes;
  }
  return held + newcomer.bytes <= limit_bytes_ && is_worth(newcomer, evicted);
}

// Either the newcomer stays and the evicted do not come back, or it stays until the first of them is read again. Where
// one of them is read first, there is time to wait.
bool StagePlan::is_worth(const Shard& newcomer, const std::vector<int64_t>& evicted) const {
  int64_t never_back = newcomer.records, back = newcomer.records, until = kNever;
  for (const int64_t place : evicted) {
    const Shard& shard = shards_[place];
    never_back += static_cast<int64_t>(shard.reads.size());
    back += shard.reads.empty() ? 0 : shard.records;
    until = std::min(until, shard.next_read());
  }
  if (newcomer.next_read() >= until) return false;
  return static_cast<int64_t>(newcomer.reads.size()) > never_back || newcomer.reads_before(until) > back;
}

std::optional<StagePlan::Fetch> StagePlan::next_fetch() const {
  const std::vector<int64_t> wanted = candidates();
  if (wanted.empty()) return std::nullopt;
  const std::vector<int64_t> evictable = victims();
  for (const int64_t place : wanted) {
    Fetch fetch{.shard = place};
    if (find_room(shards_[place], evictable, fetch.evicted)) return fetch;
  }
  return std::nullopt;
}

void StagePlan::hold(int64_t shard) {
  shards_.at(shard).is_held = true;
  shards_[shard].owed = shards_[shard].records;
  held_bytes_ += shards_[shard].bytes;
}

void StagePlan::arrive(int64_t shard) { shards_.at(shard).owed = shards_[shard].records; }

void StagePlan::drop(int64_t shard) {
  shards_.at(shard).is_held = false;
  held_bytes_ -= shards_[shard].bytes;
}

void StagePlan::give_up(int64_t shard) { shards_.at(shard).is_given_up = true; }

}  // namespace permafrost::data
