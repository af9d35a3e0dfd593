#include "core/dist/geometry.h"

#include "core/base/error.h"
#include "core/dist/dist_net.h"

namespace permafrost::core {

DistConfig geometry_of(const std::map<std::string, torch::Tensor>& tensors, int64_t image_size,
                       const std::string& where) {
  const auto size = [&](const std::string& name, int64_t dimension) {
    const auto found = tensors.find(name);
    if (found == tensors.end() || found->second.dim() <= dimension) {
      throw DataError(where + ": expected a tensor '" + name + "' of at least " + std::to_string(dimension + 1) +
                      " dimensions, found none: these are not the weights of a DiST network");
    }
    return found->second.size(dimension);
  };
  const auto count = [&](const std::string& list, const std::string& member) {
    int64_t members = 0;
    while (tensors.contains(list + "." + std::to_string(members) + "." + member)) ++members;
    return members;
  };
  const auto ratio = [](int64_t hidden, int64_t width) {
    return static_cast<double>(hidden) / static_cast<double>(width);
  };
  DistConfig config;
  config.image_size = image_size;
  config.temporal_dim = size("temporal_stem.weight", 0);
  config.temporal_patch = size("temporal_stem.weight", 2);
  config.patch_size = size("temporal_stem.weight", 3);
  config.integration_dim = size("input_linears.0.weight", 0);
  config.width = size("input_linears.0.weight", 1);
  config.embedding = size("proj", 1);
  config.layers = count("input_linears", "weight");
  config.pooling_layers = count("adapooling_nets", "positional_embedding");
  config.alpha = size("temporal2integration_nets.0.linear_fuse.weight", 2);
  config.frames = config.alpha * size("temporal2integration_nets.0.cls_token", 2);
  config.temporal_kernel = size("temporal_nets.0.temporal_net.c_fc1.weight", 2);
  config.temporal_mlp_ratio = ratio(size("temporal_nets.0.temporal_net.c_fc1.weight", 0), config.temporal_dim);
  config.integration_mlp_ratio = ratio(size("integration_nets.0.ffn.c_fc.weight", 0), config.integration_dim);
  config.integration_temporal_mlp_ratio =
      ratio(size("integration_nets.0.temporal_ffn.c_fc1.weight", 0), config.integration_dim);
  require_sound(config);
  return config;
}

}  // namespace permafrost::core
