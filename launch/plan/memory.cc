#include "launch/plan/memory.h"

namespace permafrost::launch {
namespace {

// Tensors kept for the backward pass, read off TemporalNet, IntegrationNet and AdaptivePooling:
// of [F, g, g, c], a layer: in and out of the norm, of the first convolution, two of each activation, the stream after;
constexpr double kTemporalTensors = 8;
// of [t, L, d], a layer: the stream before and after fusion, two norms, c_fc and its activation, and the narrow branch;
constexpr double kIntegrationTensors = 8;
// of [t, L, d], a pooling layer: the norm's, keys and values.
constexpr double kPoolingTensors = 3;
// of [t, L, d], between two layers that are run again.
constexpr double kStreams = 2;
// In bf16, inputs of products take 2 bytes and what is summed or normalised still 4: 2.7 as measured, on a CPU.
constexpr double kBytesFp32 = 4, kBytesBf16 = 2.7;

}  // namespace

StepMemory estimate_step_memory(const core::DistConfig& config, int64_t parameters, int64_t clips,
                                const std::string& precision, bool recomputes) {
  const auto batch = static_cast<double>(clips), layers = static_cast<double>(config.layers);
  const auto tokens = static_cast<double>(config.spatial_frames() * config.tokens());
  const auto patches = static_cast<double>(config.frames * config.grid() * config.grid());
  const double features = layers * tokens * static_cast<double>(config.width);
  const auto pixels = static_cast<double>(config.frames * 3 * config.image_size * config.image_size);
  const double of_time = patches * static_cast<double>(config.temporal_dim);
  const double of_space = tokens * static_cast<double>(config.integration_dim);
  const double layer = kTemporalTensors * of_time + kIntegrationTensors * of_space;
  const double between = of_time + kStreams * of_space;
  const double kept = (recomputes ? layer + layers * between : layers * layer) +
                      kPoolingTensors * static_cast<double>(config.pooling_layers) * of_space;
  StepMemory memory{.clips = clips};
  memory.state_bytes = 4.0 * kBytesFp32 * static_cast<double>(parameters);
  memory.batch_bytes = kBytesFp32 * batch * (features + pixels);
  memory.activation_bytes = (precision == "bf16" ? kBytesBf16 : kBytesFp32) * batch * kept;
  return memory;
}

}  // namespace permafrost::launch
