#include "core/dist/classifier.h"

#include "core/encoder/vision_transformer.h"

namespace permafrost::core {

torch::Tensor text_cosine_logits(const torch::Tensor& embedding, const torch::Tensor& text,
                                 const torch::Tensor& logit_scale) {
  const auto unit = [](const torch::Tensor& x) { return x / x.norm(2, -1, /*keepdim=*/true); };
  return logit_scale.exp() * torch::matmul(unit(embedding), unit(text).t());
}

ClassifierImpl::ClassifierImpl(const DistConfig& config, int64_t classes) {
  dist_net = register_module("dist_net", DistNet(config));
  head = register_module("head", Linear(config.embedding, classes));
}

torch::Tensor ClassifierImpl::forward(const torch::Tensor& pixels, const torch::Tensor& features) {
  return head(dist_net(normalise_pixels(pixels), features));
}

}  // namespace permafrost::core
