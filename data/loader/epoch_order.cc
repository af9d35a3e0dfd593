#include "data/loader/epoch_order.h"

#include <algorithm>
#include <numeric>

#include "core/base/error.h"
#include "core/base/random.h"

namespace permafrost::data {
namespace {

// Keeps this stream apart from others of the same seed.
constexpr uint64_t kOrderPurpose = 0x6f72646572;  // "order"

}  // namespace

std::vector<int64_t> epoch_order(uint64_t seed, int64_t epoch, int64_t samples) {
  return core::permutation(samples, core::RandomStream(seed, {kOrderPurpose, static_cast<uint64_t>(epoch)}));
}

int64_t batches_per_epoch(const OrderOptions& options) {
  if (options.samples < 1 || options.global_batch < 1) {
    throw core::ConfigError(std::to_string(options.samples) + " samples in batches of " +
                            std::to_string(options.global_batch) + ": expected at least 1 of each");
  }
  if (!options.is_training) return (options.samples + options.global_batch - 1) / options.global_batch;
  if (options.samples < options.global_batch) {
    throw core::ConfigError("a global batch of " + std::to_string(options.global_batch) + " is larger than the " +
                            std::to_string(options.samples) + " training samples: choose a smaller batch");
  }
  return options.samples / options.global_batch;
}

std::vector<int64_t> rank_slice(const std::vector<int64_t>& batch, int rank, int ranks) {
  PERMAFROST_CHECK(ranks > 0 && rank >= 0 && rank < ranks, "rank " + std::to_string(rank));
  const auto count = static_cast<int64_t>(batch.size());
  return {batch.begin() + rank * count / ranks, batch.begin() + (rank + 1) * count / ranks};
}

int64_t view_of_epoch(std::string_view video_id, int64_t epoch, int64_t views) {
  const auto count = static_cast<uint64_t>(views);
  return static_cast<int64_t>((static_cast<uint64_t>(epoch) % count + core::stable_hash(video_id) % count) % count);
}

BatchRequests::BatchRequests(OrderOptions options, BatchCursor start, int64_t end_epoch, int rank, int ranks)
    : options_(options),
      cursor_(start),
      end_epoch_(end_epoch),
      rank_(rank),
      ranks_(ranks),
      batches_(batches_per_epoch(options)) {
  if (start.epoch < 0 || start.batch < 0 || start.batch > batches_) {
    throw core::ConfigError("cannot start at batch " + std::to_string(start.batch) + " of epoch " +
                            std::to_string(start.epoch) + ": an epoch has " + std::to_string(batches_) + " batches");
  }
}

std::optional<BatchRequest> BatchRequests::next() {
  if (cursor_.batch == batches_) cursor_ = {.epoch = cursor_.epoch + 1, .batch = 0};
  if (cursor_.epoch >= end_epoch_) return std::nullopt;
  if (ordered_epoch_ != cursor_.epoch) {
    if (options_.is_training) {
      order_ = epoch_order(options_.seed, cursor_.epoch, options_.samples);
    } else {
      order_.resize(options_.samples);
      std::iota(order_.begin(), order_.end(), int64_t{0});
    }
    ordered_epoch_ = cursor_.epoch;
  }
  const int64_t first = cursor_.batch * options_.global_batch;
  const int64_t end = std::min(first + options_.global_batch, options_.samples);
  BatchRequest request{.cursor = cursor_,
                       .samples = rank_slice({order_.begin() + first, order_.begin() + end}, rank_, ranks_)};
  ++cursor_.batch;
  return request;
}

}  // namespace permafrost::data
