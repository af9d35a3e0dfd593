#include "core/checkpoint/official.h"

#include <array>
#include <optional>

#include "core/base/error.h"
#include "core/checkpoint/safetensors.h"

namespace permafrost::core {
namespace {

constexpr std::array<const char*, 4> kWrappers{"model_state.", "state_dict.", "model.", "module."};
constexpr std::array<const char*, 2> kNetworks{"dist_net.", "ladder_net."};

// The name below the DiST network, or nothing for a tensor of another part.
std::optional<std::string> name_below_network(std::string name) {
  for (bool has_changed = true; has_changed;) {
    has_changed = false;
    for (const std::string wrapper : kWrappers) {
      if (!name.starts_with(wrapper)) continue;
      name.erase(0, wrapper.size());
      has_changed = true;
    }
  }
  for (const std::string network : kNetworks) {
    if (name.starts_with(network)) return name.substr(network.size());
  }
  return std::nullopt;
}

}  // namespace

OfficialWeights read_official(const std::string& path) {
  OfficialWeights weights{.path = path, .dist_net = {}, .left_over = {}};
  for (const auto& [name, tensor] : read_safetensors(path).tensors) {
    const std::optional<std::string> ours = name_below_network(name);
    if (!ours) {
      weights.left_over.push_back(name);
    } else if (!weights.dist_net.emplace(*ours, tensor.to(torch::kFloat32)).second) {
      throw DataError(path + ": expected one tensor for 'dist_net." + *ours + "', found a second, '" + name + "'");
    }
  }
  if (weights.dist_net.empty()) {
    throw DataError(path + ": expected tensors named dist_net.* or ladder_net.*, found none among " +
                    std::to_string(weights.left_over.size()) + ": give DiST weights, converted to safetensors");
  }
  return weights;
}

void write_official(const std::string& path, const std::map<std::string, torch::Tensor>& dist_net) {
  std::map<std::string, torch::Tensor> named;
  for (const auto& [name, tensor] : dist_net) named["dist_net." + name] = tensor;
  write_safetensors(path, named, {{"format", "pt"}});
}

}  // namespace permafrost::core
