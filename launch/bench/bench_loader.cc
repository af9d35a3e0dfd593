#include "launch/bench/bench_loader.h"

#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>
#include <vector>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "data/cache/cache_reader.h"
#include "data/loader/cached_clips.h"
#include "data/loader/clip_loader.h"
#include "launch/timing.h"

namespace permafrost::launch {
namespace {

constexpr int64_t kRounds = 5;
constexpr size_t kRawReadBytes = size_t{1} << 20;

std::string largest_split(const data::CacheReader& cache) {
  std::map<std::string, int64_t> clips;
  for (const data::IndexedVideo& video : cache.videos()) clips[video.split] += video.views;
  const auto most =
      std::max_element(clips.begin(), clips.end(), [](const auto& a, const auto& b) { return a.second < b.second; });
  if (most == clips.end()) throw core::DataError(cache.directory() + ": no clip in it");
  return most->first;
}

class Bench {
 public:
  Bench(const std::string& directory, const LoaderBench& options)
      : cache_(directory),
        clips_(cache_, largest_split(cache_), data::ViewPolicy::kEvery),
        options_(options),
        record_bytes_(
            static_cast<double>(clips_.pixel_bytes() + static_cast<int64_t>(clips_.codec().bytes_per_record()))) {}

  LoaderRates run() {
    std::vector<double> raw, raw_kept, checksum, loader, decoded;
    const double seconds = options_.seconds / kRounds;
    batches(seconds / 10, false);  // shards are opened once
    for (int64_t round = 0; round < kRounds; ++round) {
      raw.push_back(read_plainly(seconds, kRawReadBytes));
      raw_kept.push_back(read_plainly(seconds, kept_bytes()));
      checksum.push_back(check_only(seconds / 4));
      loader.push_back(batches(seconds, false));
      decoded.push_back(batches(seconds, true));
    }
    return {.records = clips_.size(),
            .record_bytes = record_bytes_,
            .raw = median(raw),
            .raw_kept = median(raw_kept),
            .checksum = median(checksum),
            .loader = median(loader),
            .decoded = median(decoded),
            .rounds = kRounds};
  }

 private:
  std::string path_of(const data::ShardSummary& shard) const { return cache_.directory() + "/" + shard.file; }

  void forget() const {
    if (!options_.is_cold) return;
    for (const data::ShardSummary& shard : cache_.index().shards) {
      const core::FileDescriptor fd = core::open_for_reading(path_of(shard));
      ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);
    }
  }

  // Of one thread, so that all threads' memory is that of the loader's batches: two ahead and one in use.
  size_t kept_bytes() const {
    const auto bytes = static_cast<size_t>(3 * static_cast<double>(batch()) * record_bytes_);
    return std::max(kRawReadBytes, bytes / static_cast<size_t>(options_.threads));
  }

  // GB/s of `work(thread)`, which returns bytes, on all threads.
  template <class Work>
  double on_threads(const Work& work) const {
    std::atomic<uint64_t> bytes{0};
    const auto start = Clock::now();
    std::vector<std::thread> threads;
    for (int64_t i = 0; i < options_.threads; ++i) threads.emplace_back([&, i] { bytes += work(i); });
    for (std::thread& thread : threads) thread.join();
    return static_cast<double>(bytes) / seconds_since(start) / 1e9;
  }

  // GB/s, 1 MiB at a time into `memory` bytes from first to last and again. Each thread takes the next file; as long a
  // time as asked, and whole files.
  double read_plainly(double seconds, size_t memory) const {
    forget();
    const auto& shards = cache_.index().shards;
    std::atomic<size_t> next{0};
    std::vector<std::vector<char>> buffers(static_cast<size_t>(options_.threads), std::vector<char>(memory));
    const auto start = Clock::now();
    return on_threads([&](int64_t thread) {
      std::vector<char>& buffer = buffers[static_cast<size_t>(thread)];
      uint64_t bytes = 0;
      while (seconds_since(start) < seconds || next < shards.size()) {
        const data::ShardSummary& shard = shards[next++ % shards.size()];
        const core::FileDescriptor fd = core::open_for_reading(path_of(shard));
        for (uint64_t at = 0; at < shard.bytes; at += kRawReadBytes) {
          char* to = buffer.data() + at % (memory / kRawReadBytes * kRawReadBytes);
          core::read_exactly(fd.get(), shard.file, to, std::min<uint64_t>(kRawReadBytes, shard.bytes - at), at);
        }
        bytes += shard.bytes;
        if (options_.is_cold && next >= shards.size()) break;  // the second time it would be warm
      }
      return bytes;
    });
  }

  double check_only(double seconds) const {
    const auto start = Clock::now();
    return on_threads([&](int64_t /*thread*/) {
      const std::vector<char> buffer(kRawReadBytes / 4);
      uint64_t bytes = 0;
      for (uint32_t crc = 0; seconds_since(start) < seconds; bytes += buffer.size()) {
        crc = core::crc32c(buffer.data(), buffer.size(), crc);
      }
      return bytes;
    });
  }

  // GB/s, from the first batch asked for to the last one had.
  double batches(double seconds, bool is_decoding) const {
    forget();
    const data::OrderOptions order{.seed = 1, .samples = clips_.size(), .global_batch = batch()};
    data::BatchRequests requests(order, {}, options_.is_cold ? 1 : int64_t{1} << 40, 0, 1);
    const auto start = Clock::now();
    data::ClipLoader loader(clips_, [&] { return requests.next(); }, {.threads = options_.threads, .batches_ahead = 2});
    double clips = 0;
    torch::Tensor room;
    while (seconds_since(start) < seconds || options_.is_cold) {
      const std::optional<data::Batch> batch = loader.next();
      if (!batch) break;
      if (is_decoding) clips_.codec().decode_batch(batch->coded, room);
      clips += static_cast<double>(batch->size());
    }
    return clips * record_bytes_ / seconds_since(start) / 1e9;
  }

  int64_t batch() const { return std::min(options_.batch, clips_.size()); }

  data::CacheReader cache_;
  data::CachedClips clips_;
  LoaderBench options_;
  double record_bytes_;
};

}  // namespace

LoaderRates bench_loader(const std::string& cache, const LoaderBench& options) { return Bench(cache, options).run(); }

}  // namespace permafrost::launch
