#include "core/base/random.h"

#include <cmath>
#include <numbers>
#include <numeric>
#include <utility>

namespace permafrost::core {
namespace {

uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ull;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebull;
  return z ^ (z >> 31);
}

}  // namespace

uint64_t stable_hash(std::string_view text) {
  uint64_t hash = 0xcbf29ce484222325ull;
  for (const unsigned char byte : text) hash = (hash ^ byte) * 0x100000001b3ull;
  return mix(hash);
}

RandomStream::RandomStream(uint64_t seed, std::initializer_list<uint64_t> key) : state_(mix(seed)) {
  for (const uint64_t word : key) state_ = mix(state_ ^ mix(word + 0x9e3779b97f4a7c15ull)) + 0x632be59bd9b4e019ull;
}

uint64_t RandomStream::next() { return mix(state_ += 0x9e3779b97f4a7c15ull); }

double RandomStream::uniform() { return static_cast<double>(next() >> 11) * 0x1.0p-53; }

uint64_t RandomStream::below(uint64_t bound) {
  const uint64_t limit = UINT64_MAX - UINT64_MAX % bound;
  uint64_t value = next();
  while (value >= limit) value = next();
  return value % bound;
}

double RandomStream::normal() {
  const double radius = std::sqrt(-2.0 * std::log(1.0 - uniform()));
  return radius * std::cos(2.0 * std::numbers::pi * uniform());
}

double RandomStream::gamma(double shape) {
  if (shape < 1) {
    const double larger = gamma(shape + 1);
    return larger * std::pow(1.0 - uniform(), 1.0 / shape);
  }
  const double d = shape - 1.0 / 3.0;
  const double c = 1.0 / std::sqrt(9.0 * d);
  while (true) {
    const double x = normal();
    const double root = 1.0 + c * x;
    if (root <= 0) continue;
    const double v = root * root * root;
    if (std::log(1.0 - uniform()) < 0.5 * x * x + d - d * v + d * std::log(v)) return d * v;
  }
}

double RandomStream::beta(double alpha) {
  const double a = gamma(alpha);
  const double b = gamma(alpha);
  if (a + b > 0) return a / (a + b);
  return uniform() < 0.5 ? 0.0 : 1.0;  // both underflowed: alpha is so small that only the ends are left
}

std::vector<int64_t> permutation(int64_t count, RandomStream random) {
  std::vector<int64_t> order(count);
  std::iota(order.begin(), order.end(), int64_t{0});
  for (int64_t i = count - 1; i > 0; --i) std::swap(order[i], order[random.below(i + 1)]);
  return order;
}

}  // namespace permafrost::core
