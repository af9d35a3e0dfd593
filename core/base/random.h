// Random numbers as a function of what they are for, never of who draws them or when.
//
//   RandomStream random(seed, {epoch, sample, view});
//   const double scale = random.uniform(0.4, 1.0);
//
// A stream is keyed by (seed, words): the same key gives the same numbers on any rank, thread or restart, so nothing
// of it is ever saved. The generator is SplitMix64 over a hash of the key; it passes through 2^64 states.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <vector>

namespace permafrost::core {

// A stable 64-bit hash of a text (FNV-1a, then mixed): the same on every machine and version.
uint64_t stable_hash(std::string_view text);

class RandomStream {
 public:
  RandomStream(uint64_t seed, std::initializer_list<uint64_t> key);

  uint64_t next();
  // In [0, 1), 53 random bits.
  double uniform();
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  // In [0, bound), without modulo bias. bound > 0.
  uint64_t below(uint64_t bound);
  double normal();
  // Of Gamma(shape, 1), by Marsaglia and Tsang (2000). shape > 0.
  double gamma(double shape);
  // Of Beta(alpha, alpha), in [0, 1]. alpha > 0.
  double beta(double alpha);

 private:
  uint64_t state_;
};

// A permutation of 0..count-1 (Fisher-Yates), a function of the stream alone.
std::vector<int64_t> permutation(int64_t count, RandomStream random);

}  // namespace permafrost::core
