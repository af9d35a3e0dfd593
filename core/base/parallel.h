// Work done by several threads.
//
//   parallel_for_each(blocks, threads, [&](int64_t i) { decode(block(i)); });
//
// And handed on in order:
//
//   parallel_in_order(files.size(), threads,
//                     [&](int64_t i) { return decode(files[i]); },
//                     [&](int64_t i, Clip clip) { writer.append(clip); });
//
// `produce` runs on `threads` threads, at most twice as many results ahead of what was consumed; `consume` runs on the
// calling thread, i = 0, 1, 2, ... What either throws is thrown here, after the threads have stopped.
#pragma once

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <type_traits>
#include <vector>

namespace permafrost::core {

template <class Produce, class Consume>
void parallel_in_order(int64_t count, int64_t threads, Produce produce, Consume consume) {
  using Result = std::invoke_result_t<Produce, int64_t>;
  struct Slot {
    std::optional<Result> result;
    std::exception_ptr error;
  };
  std::mutex mutex;
  std::condition_variable changed;
  std::map<int64_t, Slot> ready;
  int64_t next = 0, consumed = 0;
  bool is_stopping = false;

  const auto work = [&] {
    std::unique_lock lock(mutex);
    for (;;) {
      changed.wait(lock, [&] { return is_stopping || next >= count || next < consumed + 2 * threads; });
      if (is_stopping || next >= count) return;
      const int64_t i = next++;
      lock.unlock();
      Slot slot;
      try {
        slot.result.emplace(produce(i));
      } catch (...) {
        slot.error = std::current_exception();
      }
      lock.lock();
      ready.emplace(i, std::move(slot));
      changed.notify_all();
    }
  };

  std::vector<std::thread> workers;
  const auto stop = [&] {
    {
      const std::lock_guard lock(mutex);
      is_stopping = true;
    }
    changed.notify_all();
    for (std::thread& worker : workers) worker.join();
  };
  try {
    for (int64_t i = 0; i < threads; ++i) workers.emplace_back(work);
    for (int64_t i = 0; i < count; ++i) {
      Slot slot;
      {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return ready.contains(i); });
        slot = std::move(ready.extract(i).mapped());
        consumed = i + 1;
      }
      changed.notify_all();
      if (slot.error) std::rethrow_exception(slot.error);
      consume(i, std::move(*slot.result));
    }
  } catch (...) {
    stop();
    throw;
  }
  stop();
}

// `work(i)` for i = 0 .. count-1 on `threads` threads, each of which takes the next. Once one throws no other is taken;
// what is thrown here, after the threads have stopped, is of the first i that threw.
template <class Work>
void parallel_for_each(int64_t count, int64_t threads, const Work& work) {
  std::atomic<int64_t> next{0};
  std::exception_ptr error;
  int64_t first_bad = count;
  std::mutex mutex;
  const auto take = [&] {
    for (int64_t i = next++; i < count; i = next++) {
      try {
        work(i);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (i < first_bad) first_bad = i, error = std::current_exception();
        next = count;
      }
    }
  };
  {
    std::vector<std::jthread> workers;
    for (int64_t i = 0; i < std::min(threads, count); ++i) workers.emplace_back(take);
  }
  if (error) std::rethrow_exception(error);
}

}  // namespace permafrost::core
