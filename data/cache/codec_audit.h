// How far decoded features are from the exact ones, layer by layer.
//
//   CodecAudit audit(shape);
//   audit.add(exact, codec->decode(codec->encode(exact, id)));
//   double worst = audit.worst_relative_error();
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <vector>

#include "data/cache/codec_spec.h"

namespace permafrost::data {

struct LayerError {
  double relative = 0;  // root of (sum of squared errors / sum of squares)
  double cosine = 0;    // between exact and decoded token, the mean over tokens
};

class CodecAudit {
 public:
  explicit CodecAudit(const FeatureShape& shape);

  // Both float32 [N, t, L, C], of one clip.
  void add(const torch::Tensor& exact, const torch::Tensor& decoded);

  std::vector<LayerError> layers() const;
  // Over all layers.
  double relative_error() const;
  double worst_relative_error() const;
  double worst_cosine() const;

 private:
  FeatureShape shape_;
  int64_t clips_ = 0;
  torch::Tensor errors_, squares_, cosines_;  // float64 [N]
};

}  // namespace permafrost::data
