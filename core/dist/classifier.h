// A DistNet with a head: what is trained, saved and evaluated.
//
//   Classifier classifier(config, HeadConfig{.kind = HeadKind::kLinear, .classes = 400});
//   initialise(*classifier, seed);
//   std::vector<torch::Tensor> logits = classifier->forward(frames_u8, features);   // [B, K]
#pragma once

#include "core/dist/dist_net.h"
#include "core/dist/head.h"

namespace permafrost::core {

struct ClassifierImpl : torch::nn::Module {
  ClassifierImpl(const DistConfig& config, const HeadConfig& head);

  // pixels uint8, or float in 0..255, [B, F, 3, S, S]; features [N, B, t, L, C] -> the head's logits.
  std::vector<torch::Tensor> forward(const torch::Tensor& pixels, const torch::Tensor& features);

  torch::ScalarType precision = torch::kFloat32;  // of the network's products; the head computes in float32
  DistNet dist_net{nullptr};
  Head head{nullptr};
};
TORCH_MODULE(Classifier);

}  // namespace permafrost::core
