#include "launch/geometry.h"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <functional>
#include <sstream>

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

std::vector<int64_t> layers_named(const std::string& names, int64_t layers) {
  const auto refuse = [&] {
    return core::ConfigError("option 'cache.layers' is '" + names + "', expected all, every:K, last:K or ascending " +
                             "numbers from 0 to " + std::to_string(layers - 1) + " with commas between");
  };
  const auto number = [&](const std::string& text) {
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    if (error != std::errc() || end != text.data() + text.size() || value < 0 || value > layers) throw refuse();
    return value;
  };
  std::vector<int64_t> chosen;
  const size_t colon = names.find(':');
  const std::string kind = names.substr(0, colon);
  const int64_t count = colon == std::string::npos ? 1 : number(names.substr(colon + 1));
  if (names == "all" || kind == "every" || kind == "last") {
    if (count == 0 || (colon == std::string::npos) != (names == "all")) throw refuse();
    for (int64_t layer = 0; layer < layers; ++layer) {
      const int64_t from_end = layers - 1 - layer;
      if (kind == "last" ? from_end < count : from_end % count == 0) chosen.push_back(layer);
    }
    return chosen;
  }
  std::istringstream text(names);
  for (std::string word; std::getline(text, word, ',');) chosen.push_back(number(word));
  const bool is_ascending = std::adjacent_find(chosen.begin(), chosen.end(), std::greater_equal<>()) == chosen.end();
  if (chosen.empty() || !is_ascending || chosen.back() >= layers) throw refuse();
  return chosen;
}

data::CacheKey clip_key(const Settings& settings, const core::VisionConfig& vision) {
  data::CacheKey key;
  key.image_size = vision.image_size;
  key.patch_size = vision.patch_size;
  key.width = vision.width;
  key.layers_total = vision.layers;
  key.selected_layers = layers_named(settings.cache.layers, vision.layers);
  key.tokens = settings.cache.tokens;
  key.codec.name = settings.cache.codec;
  key.frames = settings.sampling.frames;
  key.alpha = settings.sampling.alpha;
  key.resize = settings.sampling.resize;
  key.train_views = settings.sampling.train_views;
  key.eval_views = settings.sampling.eval_views;
  key.eval_crops = settings.sampling.eval_crops;
  return key;
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
