// Reads batches ahead of the training loop, on threads of its own, in exactly the order asked for.
//
//   BatchRequests requests(order, cursor, epochs, rank, ranks);
//   ClipLoader loader(source, [&] { return requests.next(); }, {.threads = 4, .batches_ahead = 3});
//   while (auto batch = loader.next()) step(*batch);
//
// One thread consumes. A worker's error is thrown by the next() that would have returned its batch.
#pragma once

#include <torch/types.h>

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <exception>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "data/loader/clip_source.h"
#include "data/loader/epoch_order.h"

namespace permafrost::data {

struct LoaderOptions {
  int64_t threads = 2;
  int64_t batches_ahead = 2;  // in memory at once beside the consumer's, whole or being filled
  bool is_pinned = false;     // memory that a GPU copies from at full speed
};

struct Batch {
  BatchCursor cursor;
  std::vector<int64_t> samples;  // b of them
  torch::Tensor pixels;          // uint8 [b, F, 3, S, S]; undefined where b == 0
  torch::Tensor coded;           // uint8 [b, bytes], for the source's Codec::decode_batch; undefined where b == 0
  torch::Tensor targets;         // int64 [b]
  std::vector<std::string> video_ids;
  std::vector<int64_t> views;

  int64_t size() const { return static_cast<int64_t>(samples.size()); }
};

class ClipLoader {
 public:
  // Called under the loader's lock, by one worker at a time; nullopt ends the loader.
  using RequestFunction = std::function<std::optional<BatchRequest>()>;

  // `source` must outlive it. Throws ConfigError for counts below 1.
  ClipLoader(const ClipSource& source, RequestFunction requests, LoaderOptions options = {});
  // Waits for the reads under way, and no others.
  ~ClipLoader();
  ClipLoader(const ClipLoader&) = delete;
  ClipLoader& operator=(const ClipLoader&) = delete;

  // The next batch, or nothing after the last. Throws what a worker threw; then again at every further call.
  std::optional<Batch> next();
  // How long next() has waited, over all calls.
  double wait_seconds() const { return wait_seconds_; }

 private:
  struct Pending;  // a batch that is being filled

  void work();
  Pending* claim(int64_t& slot);
  void refill();
  void fill(Pending& pending, int64_t slot);
  void find_room(Batch& batch);
  void stop();

  const ClipSource& source_;
  RequestFunction requests_;
  LoaderOptions options_;

  std::mutex mutex_;
  std::condition_variable work_;
  std::condition_variable done_;
  std::deque<std::unique_ptr<Pending>> pending_;
  std::vector<torch::Tensor> room_;  // what earlier batches lay in, and later ones will
  bool exhausted_ = false;
  bool stopping_ = false;
  std::exception_ptr request_error_;  // follows the last batch in pending_
  std::exception_ptr error_;          // delivered
  double wait_seconds_ = 0;
  std::vector<std::thread> threads_;
};

}  // namespace permafrost::data
