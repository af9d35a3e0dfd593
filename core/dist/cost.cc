#include "core/dist/cost.h"

#include "core/dist/dist_net.h"

namespace permafrost::core {
namespace {

double stem_multiply_adds(const DistConfig& config) {
  const auto patches = static_cast<double>(config.tokens() - 1), patch = static_cast<double>(config.patch_size);
  return static_cast<double>(config.frames) * patches * static_cast<double>(config.temporal_dim) * 3 *
         static_cast<double>(config.temporal_patch) * patch * patch;
}

// Of one layer's.
double input_linear_multiply_adds(const DistConfig& config) {
  return static_cast<double>(config.spatial_frames() * config.tokens()) * static_cast<double>(config.width) *
         static_cast<double>(config.integration_dim);
}

enum class Pooling { kPublished, kExecuted };

// Of one layer's. The reference makes a key and a value of every token; CrossAttention projects only the query and the
// weighted means.
double pooling_multiply_adds(const DistConfig& config, Pooling pooling) {
  const auto t = static_cast<double>(config.spatial_frames()), tokens = static_cast<double>(config.tokens()),
             d = static_cast<double>(config.integration_dim), heads = d / static_cast<double>(kHeadWidth);
  const auto attention = [&](double queries, double keys) {
    if (pooling == Pooling::kExecuted) return queries * (4 * d * d + 2 * heads * keys * d);
    return 2 * queries * d * d + 2 * queries * keys * d * d + 2 * queries * keys * d;
  };
  const double mlp = 8 * d * d;
  return t * (attention(1, tokens) + mlp) + attention(1, t) + mlp;
}

}  // namespace

double encoder_multiply_adds(const VisionConfig& config) {
  const auto tokens = static_cast<double>(config.tokens()), width = static_cast<double>(config.width);
  const auto patch = static_cast<double>(config.patch_size);
  const double stem = (tokens - 1) * width * 3 * patch * patch;
  const double attention = 4 * tokens * width * width + 2 * tokens * tokens * width;
  const double mlp = 2 * tokens * width * static_cast<double>(config.mlp_width);
  return stem + static_cast<double>(config.layers) * (attention + mlp);
}

std::vector<PartCost> multiply_adds_by_part(const DistConfig& config) {
  const auto frames = static_cast<double>(config.frames), t = static_cast<double>(config.spatial_frames());
  const auto tokens = static_cast<double>(config.tokens()), patches = tokens - 1;
  const auto c = static_cast<double>(config.temporal_dim), d = static_cast<double>(config.integration_dim);
  const auto width = static_cast<double>(config.width), alpha = static_cast<double>(config.alpha);
  const auto kernel = static_cast<double>(config.temporal_kernel), layers = static_cast<double>(config.layers);
  const auto poolings = static_cast<double>(config.pooling_layers);
  const auto narrow = static_cast<double>(config.integration_temporal_hidden());
  const double integration =
      2 * d * static_cast<double>(config.integration_hidden()) + 2 * d * narrow + narrow * narrow * kernel;
  const double temporal = c * static_cast<double>(config.temporal_hidden()) * (kernel + 9);
  const auto part = [](const char* name, double forward, bool passes_gradient = true) {
    return PartCost{name, forward, passes_gradient, forward};
  };
  return {part("temporal_stem", stem_multiply_adds(config), false),
          part("temporal_nets", layers * frames * patches * temporal),
          part("input_linears", layers * input_linear_multiply_adds(config), false),
          part("temporal2integration_nets", layers * t * patches * c * d * alpha),
          part("integration2temporal_nets", (layers - 1) * t * patches * d * c),  // the last one's is not computed
          part("integration_nets", layers * t * tokens * integration),
          {"adapooling_nets", poolings * pooling_multiply_adds(config, Pooling::kPublished), true,
           poolings * pooling_multiply_adds(config, Pooling::kExecuted)},
          part("", width * d + d * static_cast<double>(config.embedding))};
}

double network_multiply_adds(const DistConfig& config) {
  double sum = 0;
  for (const PartCost& part : multiply_adds_by_part(config)) sum += part.forward;
  return sum;
}

double step_multiply_adds(const DistConfig& config) {
  double sum = 0;
  for (const PartCost& part : multiply_adds_by_part(config)) sum += part.step();
  return sum;
}

int64_t parameter_count(const DistConfig& config) {
  int64_t count = 0;
  for (const torch::Tensor& parameter : DistNet(config)->parameters()) count += parameter.numel();
  return count;
}

}  // namespace permafrost::core
