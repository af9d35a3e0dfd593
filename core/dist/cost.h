// What a geometry costs: parameters, and multiply-adds as video papers count them (one multiplication and one addition
// together are one; products of matrices and convolutions only).
//
//   const double giga = (config.spatial_frames() * encoder_multiply_adds(vision) + network_multiply_adds(config)) /
//   1e9;
#pragma once

#include <cstdint>

#include "core/dist/dist_config.h"
#include "core/encoder/vision_transformer.h"

namespace permafrost::core {

// Of the frozen encoder on one frame.
double encoder_multiply_adds(const VisionConfig& config);

// Of a DistNet's forward on one clip.
double network_multiply_adds(const DistConfig& config);

// Of a training step on one clip: forward, gradients of the weights and of the activations, each as much as the
// forward. What reads pixels or frozen features (the temporal stem, the input linears) passes no gradient on.
double step_multiply_adds(const DistConfig& config);

// Parameters of a DistNet, those without gradient included, as published tables count them.
int64_t parameter_count(const DistConfig& config);

}  // namespace permafrost::core
