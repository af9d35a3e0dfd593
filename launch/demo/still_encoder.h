// The demo's frozen image encoder: a small CLIP-shaped ViT, trained to name the object on still images.
//
//   StillEncoder trained = train_still_encoder({.seed = 1});
//   core::save_encoder("runs/quickstart/encoder", trained.encoder);
//
// It stands for CLIP: image knowledge only. It sees single pictures of scenes that no clip is made of (draw_still()),
// and is told the object, never a motion; the classifier it is trained with is thrown away.
#pragma once

#include <cstdint>

#include "core/encoder/encoder_weights.h"

namespace permafrost::launch {

struct StillEncoderOptions {
  uint64_t seed = 0;
  int64_t frame_side = 96;  // pixels of a still before it is resized as clips are
  core::VisionConfig vision{
      .image_size = 32, .patch_size = 8, .width = 64, .layers = 2, .heads = 1, .mlp_width = 256, .embedding = 64};
  int64_t train_images = 1500;
  int64_t held_out_images = 256;
  int64_t steps = 200;
  int64_t batch = 64;
  double learning_rate = 1e-3;
  int64_t warmup_steps = 30;
  double weight_decay = 0.05;
};

struct StillEncoder {
  core::VisionTransformer encoder{nullptr};
  double accuracy = 0.0;  // of the thrown-away classifier on the held-out stills
};

// The same options and the same number of LibTorch's threads give the same weights. Reseeds LibTorch's default
// generator. Throws ConfigError where the images or steps are fewer than one.
StillEncoder train_still_encoder(const StillEncoderOptions& options);

}  // namespace permafrost::launch
