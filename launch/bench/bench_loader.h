// How fast clips come out of a cache, beside a plain read of the same files (tests/bench/README.md, "loader").
//
//   const LoaderRates rates = bench_loader("cache", {.threads = 2, .batch = 4});
//   rates.loader / rates.raw
#pragma once

#include <cstdint>
#include <string>

namespace permafrost::launch {

struct LoaderBench {
  int64_t threads = 1;   // readers
  int64_t batch = 4;     // clips
  double seconds = 5;    // of each way to read, over all rounds
  bool is_cold = false;  // ask the system to forget the files before each round
};

// Medians over rounds in which the ways take turns; bytes as stored, 1e9 to the GB.
struct LoaderRates {
  int64_t records = 0;
  double record_bytes = 0;
  double raw = 0;       // GB/s: whole files from first to last byte, by as many threads, into 1 MiB used again
  double raw_kept = 0;  // GB/s: the same into as much memory as the loader's batches take
  double checksum = 0;  // GB/s: CRC32C alone, of what lies in a core's cache, by as many threads
  double loader = 0;    // GB/s: verified batches in the order of an epoch
  double decoded = 0;   // GB/s: and decoded to float32
  int64_t rounds = 0;
};

// Reads the split with the most clips. Throws what CacheReader and the loader do.
LoaderRates bench_loader(const std::string& cache, const LoaderBench& options);

}  // namespace permafrost::launch
