#include "launch/bench/bench_compute.h"

#include <torch/cuda.h>

#include <functional>

#include "core/dist/cost.h"
#include "launch/timing.h"

namespace permafrost::launch {
namespace {

// One call before the clock starts: it sets up what is set up once.
ComputeRate measure(const std::string& kind, double units, double flops, const ComputeBench& bench,
                    const std::function<void()>& work) {
  work();
  std::vector<double> seconds;
  for (int64_t round = 0; round < bench.rounds; ++round) {
    wait_for(bench.device);
    const Clock::time_point start = Clock::now();
    work();
    wait_for(bench.device);
    seconds.push_back(seconds_since(start));
  }
  return rate_of(kind, units, flops, seconds);
}

}  // namespace

void wait_for(torch::Device device) {
  if (device.is_cuda()) torch::cuda::synchronize(device.index());
}

ComputeRate rate_of(const std::string& kind, double units, double flops, const std::vector<double>& seconds) {
  return {.kind = kind,
          .units = units,
          .seconds = median(seconds),
          .least_seconds = *std::min_element(seconds.begin(), seconds.end()),
          .flops = flops};
}

core::FrozenEncoder random_encoder(const ComputeBench& bench) {
  core::VisionTransformer network(bench.vision);
  core::initialise(network, /*seed=*/0);
  return core::FrozenEncoder(network, bench.type, bench.device);
}

GemmShape gemm_shape(torch::Device device) {
  if (device.is_cuda()) return {8192, 8192, 8192};
  return {.rows = 1576, .inner = 768, .columns = 3072};
}

ComputeRate bench_gemm(const ComputeBench& bench, const GemmShape& shape) {
  const torch::NoGradGuard no_grad;
  const torch::TensorOptions options(bench.device);
  const torch::Tensor a = torch::randn({shape.rows, shape.inner}, options).to(bench.type);
  const torch::Tensor b = torch::randn({shape.columns, shape.inner}, options).to(bench.type);
  const double flops = 2.0 * static_cast<double>(shape.rows * shape.inner) * static_cast<double>(shape.columns);
  return measure("gemm", 1, flops, bench, [&] { torch::linear(a, b); });
}

ComputeRate bench_vit(const ComputeBench& bench) {
  core::FrozenEncoder encoder = random_encoder(bench);
  const int64_t size = bench.vision.image_size;
  const torch::Tensor frames =
      torch::randint(256, {bench.batch, 3, size, size}, torch::TensorOptions(torch::kUInt8).device(bench.device));
  const auto units = static_cast<double>(bench.batch);
  return measure("vit", units, 2 * units * core::encoder_multiply_adds(bench.vision), bench,
                 [&] { encoder.encode(frames); });
}

}  // namespace permafrost::launch
