#include "core/dist/forward_order.h"

#include <gmock/gmock.h>

#include <algorithm>

#include "core/dist/classifier.h"
#include "core/recipe/optimizer.h"

namespace permafrost::core {
namespace {

DistConfig small(int64_t layers) {
  DistConfig config;
  config.layers = layers;
  config.width = 32;
  config.image_size = 32;
  config.patch_size = 16;
  config.frames = 4;
  config.alpha = 2;
  config.integration_dim = 64;
  config.temporal_dim = 8;
  config.pooling_layers = 2;
  config.embedding = 16;
  return config;
}

// "dist_net.temporal_nets.3.ln.weight" -> "dist_net.temporal_nets.3", "dist_net.ln_post.weight" -> "dist_net.ln_post".
// What one node of autograd holds goes by one name, "exchange.3", as its gradients come together.
std::string sub_network(const std::string& name) {
  for (const std::string part : {"input_linears.", "temporal2integration_nets.", "integration2temporal_nets."}) {
    const size_t at = name.find(part);
    if (at == std::string::npos) continue;
    const size_t number = at + part.size();
    return "exchange." + name.substr(number, name.find('.', number) - number);
  }
  const size_t digit = name.find_first_of("0123456789", name.find('.', name.find('.') + 1));
  const size_t end = name.find('.', digit == std::string::npos ? name.find('.') + 1 : digit);
  return name.substr(0, end);
}

std::vector<std::string> sub_networks(const std::vector<std::string>& names) {
  std::vector<std::string> result;
  for (const std::string& name : names) {
    if (std::find(result.begin(), result.end(), sub_network(name)) == result.end()) result.push_back(sub_network(name));
  }
  return result;
}

TEST(ForwardOrder, IsTheOrderInWhichBackwardGivesGradientsReversed) {
  const DistConfig config = small(/*layers=*/11);  // two digits: 10 comes after 9
  Classifier classifier(config, HeadConfig{.kind = HeadKind::kLinear, .classes = 3});
  initialise(*classifier, 1);
  std::vector<std::string> names, arrived;
  for (const NamedParameter& parameter : trainable_parameters(*classifier, config.layers)) {
    names.push_back(parameter.name);
    parameter.tensor.register_hook(
        [&arrived, name = parameter.name](const torch::Tensor&) { arrived.push_back(name); });
  }
  const torch::Tensor pixels = torch::zeros({1, config.frames, 3, config.image_size, config.image_size});
  const torch::Tensor features =
      torch::ones({config.layers, 1, config.spatial_frames(), config.tokens(), config.width});
  classifier->forward(pixels, features)[0].sum().backward();

  std::vector<std::string> ordered;
  for (const size_t i : forward_order(names)) ordered.push_back(names[i]);
  EXPECT_THAT(ordered, testing::UnorderedElementsAreArray(names));
  std::reverse(arrived.begin(), arrived.end());
  EXPECT_THAT(sub_networks(ordered), testing::ElementsAreArray(sub_networks(arrived)));
}

}  // namespace
}  // namespace permafrost::core
