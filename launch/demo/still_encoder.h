// The demo's frozen image encoder: a small CLIP-shaped ViT, trained to name the object on still images.
//
//   core::VisionTransformer encoder = train_still_encoder(options);
//   core::save_encoder("runs/quickstart/encoder", encoder);
//
// It stands for CLIP: image knowledge only. It sees single frames of scenes that no clip is made of (Stream::kStill),
// and is told the object, never the motion; the classifier it is trained with is thrown away.
#pragma once

#include <cstdint>

#include "core/encoder/vision_transformer.h"

namespace permafrost::launch {

struct StillEncoderOptions {
  uint64_t seed = 0;
  int64_t frame_side = 96;  // pixels of the rendered still, resized to the encoder's image_size as clips are
  core::VisionConfig vision{.image_size = 64, .patch_size = 8, .width = 64, .layers = 3, .heads = 1,
                            .mlp_width = 256, .embedding = 64};
  int64_t images = 3072;    // rendered once, half a second per thousand
  int64_t steps = 250;      // the cost: about 50 ms each on two cores
  int64_t batch = 64;
  double learning_rate = 1e-3;
  double weight_decay = 0.05;
  int threads = 2;
};

struct StillEncoder {
  core::VisionTransformer encoder{nullptr};
  double accuracy = 0.0;  // of the thrown-away classifier, on stills it was not trained on
};

// The same options on the same machine give the same weights.
StillEncoder train_still_encoder(const StillEncoderOptions& options);

}  // namespace permafrost::launch
