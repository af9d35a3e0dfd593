#include "launch/training/zero_shot.h"

namespace permafrost::launch {

torch::Tensor ZeroShot::fuse(const torch::Tensor& logits, const torch::Tensor& last_layer) {
  const torch::Tensor frames = encoder_.embed(last_layer.flatten(0, 1));                               // [B*t, e]
  const torch::Tensor clip = head_(frames)[0].unflatten(0, {last_layer.size(0), last_layer.size(1)});  // [B, t, K]
  return (1 - weight_) * logits + weight_ * clip.mean(1);
}

}  // namespace permafrost::launch
