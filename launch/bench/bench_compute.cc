#include "launch/bench/bench_compute.h"

#include <functional>

#include "core/dist/cost.h"
#include "core/encoder/frozen_encoder.h"
#include "launch/bench/timing.h"

namespace permafrost::launch {
namespace {

// One call before the clock starts: it sets up what is set up once.
ComputeRate measure(const std::string& kind, double units, double flops, int64_t rounds,
                    const std::function<void()>& work) {
  work();
  std::vector<double> seconds;
  for (int64_t round = 0; round < rounds; ++round) {
    const BenchClock::time_point start = BenchClock::now();
    work();
    seconds.push_back(seconds_since(start));
  }
  return {.kind = kind,
          .units = units,
          .seconds = median(seconds),
          .least_seconds = *std::min_element(seconds.begin(), seconds.end()),
          .flops = flops};
}

}  // namespace

ComputeRate bench_gemm(torch::ScalarType type, const GemmShape& shape, int64_t rounds) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor a = torch::randn({shape.rows, shape.inner}).to(type);
  const torch::Tensor b = torch::randn({shape.columns, shape.inner}).to(type);
  const double flops = 2.0 * static_cast<double>(shape.rows * shape.inner) * static_cast<double>(shape.columns);
  return measure("gemm", 1, flops, rounds, [&] { torch::linear(a, b); });
}

ComputeRate bench_vit(const ComputeBench& bench) {
  core::VisionTransformer network(bench.vision);
  core::initialise(network, /*seed=*/0);
  core::FrozenEncoder encoder(network, bench.type);
  const int64_t size = bench.vision.image_size;
  const torch::Tensor frames = torch::randint(256, {bench.batch, 3, size, size}, torch::kUInt8);
  const auto units = static_cast<double>(bench.batch);
  return measure("vit", units, 2 * units * core::encoder_multiply_adds(bench.vision), bench.rounds,
                 [&] { encoder.encode(frames); });
}

}  // namespace permafrost::launch
