#include "core/dist/classifier.h"

#include "core/dist/autocast.h"
#include "core/encoder/vision_transformer.h"

namespace permafrost::core {

ClassifierImpl::ClassifierImpl(const DistConfig& config, const HeadConfig& head_config) {
  dist_net = register_module("dist_net", DistNet(config));
  head = register_module("head", Head(head_config, config.embedding));
}

std::vector<torch::Tensor> ClassifierImpl::forward(const torch::Tensor& pixels, const torch::Tensor& features) {
  torch::Tensor z;  // [B, e]
  {
    const Autocast autocast(features.device().type(), precision);
    z = dist_net(normalise_pixels(pixels), features);
  }
  return head(z.to(torch::kFloat32));
}

}  // namespace permafrost::core
