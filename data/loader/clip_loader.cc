#include "data/loader/clip_loader.h"

#include <torch/types.h>

#include <chrono>
#include <utility>

#include "core/base/error.h"

namespace permafrost::data {

struct ClipLoader::Pending {
  Batch batch;
  std::exception_ptr error;
  int64_t error_slot = -1;  // the lowest one, so that timing does not choose which error is told
  int64_t claimed = 0;      // slots given to workers
  int64_t done = 0;         // slots filled or failed

  bool is_whole() const { return done == batch.size(); }
};

ClipLoader::ClipLoader(const ClipSource& source, RequestFunction requests, LoaderOptions options)
    : source_(source), requests_(std::move(requests)), options_(options) {
  if (options.threads < 1 || options.batches_ahead < 1) {
    throw core::ConfigError("loader threads " + std::to_string(options.threads) + ", batches ahead " +
                            std::to_string(options.batches_ahead) + ": expected at least 1 of each");
  }
  try {
    for (int64_t i = 0; i < options.threads; ++i) threads_.emplace_back([this] { work(); });
  } catch (...) {
    stop();
    throw;
  }
}

ClipLoader::~ClipLoader() { stop(); }

void ClipLoader::stop() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    stopping_ = true;
  }
  work_.notify_all();
  for (std::thread& thread : threads_) thread.join();
  threads_.clear();
}

// Asks for batches while there is room. Called under the lock.
void ClipLoader::refill() {
  while (!exhausted_ && static_cast<int64_t>(pending_.size()) < options_.batches_ahead) {
    try {
      std::optional<BatchRequest> request = requests_();
      if (!request) {
        exhausted_ = true;
        break;
      }
      auto pending = std::make_unique<Pending>();
      pending->batch.cursor = request->cursor;
      pending->batch.samples = std::move(request->samples);
      const int64_t size = pending->batch.size();
      pending->batch.targets = torch::empty({size}, torch::kInt64);
      pending->batch.video_ids.resize(size);
      pending->batch.views.resize(size);
      pending_.push_back(std::move(pending));
      if (size == 0) done_.notify_all();
    } catch (...) {
      request_error_ = std::current_exception();
      exhausted_ = true;
    }
  }
  if (exhausted_) done_.notify_all();
}

// The next slot to be read, in the order of the batches; nullptr where there is none now. Called under the lock.
ClipLoader::Pending* ClipLoader::claim(int64_t& slot) {
  refill();
  for (const std::unique_ptr<Pending>& pending : pending_) {
    if (pending->claimed == pending->batch.size()) continue;
    slot = pending->claimed++;
    return pending.get();
  }
  return nullptr;
}

// Memory for a batch: such as no tensor but ours uses any more, or new. Fresh pages cost as much as reading into them.
// Called under the lock.
void ClipLoader::find_room(Batch& batch) {
  const int64_t clip_bytes = source_.pixel_bytes() + static_cast<int64_t>(source_.codec().bytes_per_record());
  const int64_t bytes = batch.size() * clip_bytes;
  torch::Tensor room;
  for (const torch::Tensor& one : room_) {
    if (one.storage().use_count() == 1 && one.numel() >= bytes) room = one;
  }
  if (!room.defined()) {
    std::erase_if(room_, [](const torch::Tensor& one) { return one.storage().use_count() == 1; });  // too small
    room = torch::empty({bytes}, torch::TensorOptions(torch::kUInt8).pinned_memory(options_.is_pinned));
    room_.push_back(room);
  }
  std::vector<int64_t> shape = source_.pixel_shape();
  shape.insert(shape.begin(), batch.size());
  const int64_t pixel_bytes = batch.size() * source_.pixel_bytes();
  batch.pixels = room.slice(0, 0, pixel_bytes).view(shape);                  // [b, F, 3, S, S]
  batch.coded = room.slice(0, pixel_bytes, bytes).view({batch.size(), -1});  // [b, bytes]
}

void ClipLoader::fill(Pending& pending, int64_t slot) {
  Batch& batch = pending.batch;
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (!batch.pixels.defined()) find_room(batch);
  }
  const ClipInfo info = source_.read_into(batch.samples[slot], batch.cursor.epoch,
                                          batch.pixels.mutable_data_ptr<uint8_t>() + slot * source_.pixel_bytes(),
                                          batch.coded.mutable_data_ptr<uint8_t>() + slot * batch.coded.size(1));
  batch.targets.mutable_data_ptr<int64_t>()[slot] = info.target;
  batch.video_ids[slot] = info.video_id;
  batch.views[slot] = info.view;
}

void ClipLoader::work() {
  std::unique_lock<std::mutex> lock(mutex_);
  while (!stopping_) {
    int64_t slot = 0;
    Pending* pending = claim(slot);
    if (pending == nullptr) {
      if (exhausted_) return;
      work_.wait(lock);
      continue;
    }
    lock.unlock();
    std::exception_ptr error;
    try {
      fill(*pending, slot);
    } catch (...) {
      error = std::current_exception();
    }
    lock.lock();
    if (error && (pending->error_slot < 0 || slot < pending->error_slot)) {
      pending->error = error;
      pending->error_slot = slot;
    }
    if (++pending->done == pending->batch.size()) done_.notify_all();
  }
}

std::optional<Batch> ClipLoader::next() {
  std::unique_lock<std::mutex> lock(mutex_);
  if (error_) std::rethrow_exception(error_);
  const auto start = std::chrono::steady_clock::now();
  done_.wait(lock, [&] { return pending_.empty() ? exhausted_ : pending_.front()->is_whole(); });
  wait_seconds_ += std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (pending_.empty()) {
    error_ = request_error_;
    if (error_) std::rethrow_exception(error_);
    return std::nullopt;
  }
  if (pending_.front()->error) {
    error_ = pending_.front()->error;
    stopping_ = true;
    work_.notify_all();
    std::rethrow_exception(error_);
  }
  Batch batch = std::move(pending_.front()->batch);
  pending_.pop_front();
  work_.notify_all();
  return batch;
}

}  // namespace permafrost::data
