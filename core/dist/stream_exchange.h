// What the two branches of a layer give each other (DiST Sec. 3.4; MODEL.md "Trainable network", steps 2 to 4):
//
//   m = input_linear(feature) + r
//   x' = x + integration2temporal(m), m' = m + temporal2integration(x)
//
// Here as one node of autograd: sums are in place or in the pass that cuts patch tokens from class tokens, and no
// tensor is copied to be cut. The modules of integration_branch.h give the same numbers one by one, for whoever looks
// inside (branch_nodes_test.cc).
#pragma once

#include "core/dist/integration_branch.h"

namespace permafrost::core {

struct Exchange {
  Linear input{nullptr};                          // C -> d
  TemporalToIntegration to_integration{nullptr};  // c -> d
  IntegrationToTemporal to_temporal{nullptr};     // d -> c; null for the last layer, whose x' nobody reads
};

struct Exchanged {
  torch::Tensor x;  // [B, F, g, g, c]; undefined for the last layer
  torch::Tensor m;  // [B, t, L, d]
};

// feature [B, t, L, C] gets no gradient; x [B, F, g, g, c]; r [B, t, L, d] of the layer before, undefined for the
// first.
Exchanged exchange_streams(const Exchange& parts, const torch::Tensor& feature, const torch::Tensor& x,
                           const torch::Tensor& r);

}  // namespace permafrost::core
