#include "data/cache/codec_audit.h"

#include <ATen/ops/cosine_similarity.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>

namespace permafrost::data {

CodecAudit::CodecAudit(const FeatureShape& shape)
    : shape_(shape),
      errors_(torch::zeros({shape.layers}, torch::kFloat64)),
      squares_(torch::zeros({shape.layers}, torch::kFloat64)),
      cosines_(torch::zeros({shape.layers}, torch::kFloat64)) {}

void CodecAudit::add(const torch::Tensor& exact, const torch::Tensor& decoded) {
  ++clips_;
  for (int64_t layer = 0; layer < shape_.layers; ++layer) {
    const torch::Tensor x = exact[layer].flatten(0, 1).to(torch::kFloat64);    // [t * L, C]
    const torch::Tensor y = decoded[layer].flatten(0, 1).to(torch::kFloat64);  // [t * L, C]
    errors_[layer] += (x - y).square().sum();
    squares_[layer] += x.square().sum();
    cosines_[layer] += at::cosine_similarity(x, y, 1, 1e-30).mean();
  }
}

std::vector<LayerError> CodecAudit::layers() const {
  std::vector<LayerError> layers;
  for (int64_t layer = 0; layer < shape_.layers; ++layer) {
    const double squares = std::max(squares_[layer].item<double>(), 1e-300);
    layers.push_back({.relative = std::sqrt(errors_[layer].item<double>() / squares),
                      .cosine = cosines_[layer].item<double>() / static_cast<double>(std::max<int64_t>(clips_, 1))});
  }
  return layers;
}

double CodecAudit::relative_error() const {
  return std::sqrt(errors_.sum().item<double>() / std::max(squares_.sum().item<double>(), 1e-300));
}

double CodecAudit::worst_relative_error() const {
  double worst = 0;
  for (const LayerError& layer : layers()) worst = std::max(worst, layer.relative);
  return worst;
}

double CodecAudit::worst_cosine() const {
  double worst = 1;
  for (const LayerError& layer : layers()) worst = std::min(worst, layer.cosine);
  return worst;
}

}  // namespace permafrost::data
