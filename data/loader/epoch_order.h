// Which samples make up which batch: a function of (seed, epoch, number of samples), never of the number of ranks.
//
//   BatchRequests requests({.seed = 1, .samples = 5000, .global_batch = 64, .is_training = true},
//                          {.epoch = 3, .batch = 17}, /*end_epoch=*/40, rank, ranks);
//   while (auto request = requests.next()) use(request->samples);   // this rank's part of the global batch
//
// The parts of all ranks, one after the other, are the global batch, for any number of ranks.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace permafrost::data {

struct OrderOptions {
  uint64_t seed = 0;
  int64_t samples = 0;
  int64_t global_batch = 1;  // samples over all ranks and accumulations
  // Training shuffles and drops the last, partial batch; evaluation keeps order and every sample, each once.
  bool is_training = true;
};

// Where a run stands: all that has to be saved.
struct BatchCursor {
  int64_t epoch = 0;
  int64_t batch = 0;  // of the epoch, the next one to be used

  bool operator==(const BatchCursor&) const = default;
};

struct BatchRequest {
  BatchCursor cursor;
  std::vector<int64_t> samples{};  // may be empty in evaluation, on ranks beyond the last samples
};

// A permutation of 0..samples-1.
std::vector<int64_t> epoch_order(uint64_t seed, int64_t epoch, int64_t samples);

// Throws ConfigError where training has fewer samples than one global batch, or a count is not positive.
int64_t batches_per_epoch(const OrderOptions& options);

// The part [rank * n / ranks, (rank + 1) * n / ranks) of n samples.
std::vector<int64_t> rank_slice(const std::vector<int64_t>& batch, int rank, int ranks);

// The view that a training video shows in an epoch: each of its views once in `views` epochs.
int64_t view_of_epoch(std::string_view video_id, int64_t epoch, int64_t views);

// This rank's requests, from a cursor up to but not including epoch `end_epoch`.
class BatchRequests {
 public:
  BatchRequests(OrderOptions options, BatchCursor start, int64_t end_epoch, int rank, int ranks);
  std::optional<BatchRequest> next();

 private:
  OrderOptions options_;
  BatchCursor cursor_;
  int64_t end_epoch_;
  int rank_;
  int ranks_;
  int64_t batches_;
  int64_t ordered_epoch_ = -1;
  std::vector<int64_t> order_;
};

}  // namespace permafrost::data
