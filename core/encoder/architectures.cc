#include "core/encoder/architectures.h"

#include "core/base/error.h"

namespace permafrost::core {
namespace {

struct Architecture {
  std::string name;
  int64_t image_size, patch_size, width, layers, heads, embedding;
  Activation activation;
};

const std::vector<Architecture>& architectures() {
  static const std::vector<Architecture> kAll{
      {"vit_b32", 224, 32, 768, 12, 12, 512, Activation::kQuickGelu},
      {"vit_b16", 224, 16, 768, 12, 12, 512, Activation::kQuickGelu},
      {"vit_l14", 224, 14, 1024, 24, 16, 768, Activation::kQuickGelu},
      {"vit_l14_336", 336, 14, 1024, 24, 16, 768, Activation::kQuickGelu},
      {"vit_h14", 224, 14, 1280, 32, 16, 1024, Activation::kGelu},
  };
  return kAll;
}

}  // namespace

const std::vector<std::string>& architecture_names() {
  static const std::vector<std::string> kNames = [] {
    std::vector<std::string> names;
    for (const Architecture& architecture : architectures()) names.push_back(architecture.name);
    return names;
  }();
  return kNames;
}

VisionConfig architecture_named(const std::string& name) {
  for (const Architecture& found : architectures()) {
    if (found.name != name) continue;
    VisionConfig config;
    config.image_size = found.image_size;
    config.patch_size = found.patch_size;
    config.width = found.width;
    config.layers = found.layers;
    config.heads = found.heads;
    config.mlp_width = 4 * found.width;
    config.embedding = found.embedding;
    config.activation = found.activation;
    return config;
  }
  throw ConfigError("no encoder is called '" + name + "': see permafrost train --help");
}

}  // namespace permafrost::core
