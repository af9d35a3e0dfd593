// A DistNet with a head: what is trained, saved and evaluated.
//
//   Classifier classifier(config, classes);
//   initialise(*classifier, seed);
//   torch::Tensor logits = classifier->forward(frames_u8, features);   // [B, K]
#pragma once

#include "core/dist/dist_net.h"

namespace permafrost::core {

// CLIP's head: cosine of embedding and class-name features, times exp(logit_scale).
// embedding [B, e], text [K, e] -> [B, K].
torch::Tensor text_cosine_logits(const torch::Tensor& embedding, const torch::Tensor& text,
                                 const torch::Tensor& logit_scale);

// The linear head, for encoders without a text tower.
struct ClassifierImpl : torch::nn::Module {
  ClassifierImpl(const DistConfig& config, int64_t classes);

  // pixels uint8, or float in 0..255, [B, F, 3, S, S]; features [N, B, t, L, C] -> logits [B, K].
  torch::Tensor forward(const torch::Tensor& pixels, const torch::Tensor& features);

  DistNet dist_net{nullptr};
  Linear head{nullptr};
};
TORCH_MODULE(Classifier);

}  // namespace permafrost::core
