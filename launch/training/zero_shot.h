// Zero-shot recognition: DiST's logits and those of the frozen CLIP itself, averaged (DiST Sec. 4, zero-shot).
//
//   ZeroShot zero_shot(encoder, text_head, /*weight=*/0.5);
//   logits = zero_shot.fuse(logits, last_layer);
#pragma once

#include <torch/types.h>

#include "core/dist/head.h"
#include "core/encoder/frozen_encoder.h"

namespace permafrost::launch {

class ZeroShot {
 public:
  // `encoder` must outlive it; `head` holds the text features. `weight`: CLIP's share, 0 to 1.
  ZeroShot(core::FrozenEncoder& encoder, core::Head head, double weight)
      : encoder_(encoder), head_(std::move(head)), weight_(weight) {}

  // logits [B, K]; last_layer [B, t, L, C], the encoder's last. CLIP's logits of a clip are the mean over its frames.
  torch::Tensor fuse(const torch::Tensor& logits, const torch::Tensor& last_layer);

 private:
  core::FrozenEncoder& encoder_;
  core::Head head_;
  double weight_;
};

}  // namespace permafrost::launch
