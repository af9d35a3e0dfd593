// What a geometry costs: parameters, and multiply-adds as video papers count them (one multiplication and one addition
// together are one; products of matrices and convolutions only).
//
//   const double giga = (config.spatial_frames() * encoder_multiply_adds(vision) + network_multiply_adds(config)) /
//   1e9;
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/dist/dist_config.h"
#include "core/encoder/vision_transformer.h"

namespace permafrost::core {

// Of the frozen encoder on one frame.
double encoder_multiply_adds(const VisionConfig& config);

// Of a DistNet's sub-networks on one clip, all layers together, by their names; what is left has none.
struct PartCost {
  std::string part;
  double forward = 0;           // as published tables count it
  bool passes_gradient = true;  // to what it reads: not what reads pixels or frozen features
  double executed = 0;          // as it is computed here: pooling needs fewer; zero padding is counted

  // Forward, gradient of the weights and gradient of the activations, each as much, as they are computed here.
  double step() const { return (passes_gradient ? 3 : 2) * executed; }
};
std::vector<PartCost> multiply_adds_by_part(const DistConfig& config);

// Of a DistNet's forward on one clip.
double network_multiply_adds(const DistConfig& config);

// Of a training step on one clip, as it is computed here.
double step_multiply_adds(const DistConfig& config);

// Parameters of a DistNet, those without gradient included, as published tables count them.
int64_t parameter_count(const DistConfig& config);

}  // namespace permafrost::core
