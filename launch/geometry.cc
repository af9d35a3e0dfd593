#include "launch/geometry.h"

#include <cstdio>

#include "core/base/error.h"
#include "core/dist/cost.h"
#include "core/encoder/architectures.h"

namespace permafrost::launch {

core::DistConfig make_dist_config(const Settings& settings, const core::VisionConfig& vision) {
  core::DistConfig config;
  config.frames = settings.sampling.frames;
  config.alpha = settings.sampling.alpha;
  config.image_size = vision.image_size;
  config.patch_size = vision.patch_size;
  config.layers = vision.layers;
  config.width = vision.width;
  config.integration_dim = settings.model.integration_dim;
  config.temporal_dim = settings.model.temporal_dim;
  config.pooling_layers = settings.model.pooling_layers;
  config.temporal_patch = settings.model.temporal_patch;
  config.embedding = settings.model.embedding;
  core::require_sound(config);
  return config;
}

std::string describe_cost(const Settings& settings) {
  if (settings.model.encoder == "any") return "";
  const core::VisionConfig vision = core::architecture_named(settings.model.encoder);
  const core::DistConfig config = make_dist_config(settings, vision);
  const double encoder = static_cast<double>(config.spatial_frames()) * core::encoder_multiply_adds(vision) / 1e9;
  const double network = core::network_multiply_adds(config) / 1e9;
  char text[200];
  std::snprintf(text, sizeof text,
                "# network: %.3f M parameters; one view: %.1f GFLOPs (multiply-adds), %.1f of them in the frozen "
                "encoder's %lld frames\n",
                static_cast<double>(core::parameter_count(config)) / 1e6, encoder + network, encoder,
                static_cast<long long>(config.spatial_frames()));
  return text;
}

void require_architecture(const Settings& settings, const core::VisionConfig& found, const std::string& where) {
  if (settings.model.encoder == "any") return;
  const core::VisionConfig expected = core::architecture_named(settings.model.encoder);
  const auto demand = [&](const char* what, int64_t is, int64_t wanted) {
    if (is == wanted) return;
    throw core::ConfigError(where + ": its " + what + " is " + std::to_string(is) + ", expected " +
                            std::to_string(wanted) + " as model.encoder = " + settings.model.encoder +
                            " has: give that encoder, or another config");
  };
  demand("patch size", found.patch_size, expected.patch_size);
  demand("width", found.width, expected.width);
  demand("number of layers", found.layers, expected.layers);
}

}  // namespace permafrost::launch
