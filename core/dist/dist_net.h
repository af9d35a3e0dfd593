// DiST's trainable network (MODEL.md "Trainable network"; the paper's Fig. 2), behind a frozen encoder's features.
//
//   DistNet net(config);
//   initialise(*net, seed);
//   torch::Tensor embedding = net->forward(normalise_pixels(frames_u8), features);   // [B, e]
//
// Children bear the names of the released checkpoints (prefix `dist_net.`), so loading one is a loop.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "core/dist/adaptive_pooling.h"
#include "core/dist/dist_config.h"
#include "core/dist/integration_branch.h"
#include "core/dist/integration_net.h"
#include "core/dist/stream_exchange.h"
#include "core/dist/temporal_encoder.h"
#include "core/encoder/layers.h"

namespace permafrost::core {

struct DistNetImpl : torch::nn::Module {
  // Throws ConfigError for a geometry that cannot be.
  explicit DistNetImpl(const DistConfig& config);

  // pixels float [B, F, 3, H, W], normalised; features [N, B, t, L, C], the frozen layers -> embedding z [B, e].
  torch::Tensor forward(const torch::Tensor& pixels, const torch::Tensor& features);

  DistConfig config;
  // Whether training keeps only what flows from layer to layer, and runs each layer once more when backward comes.
  bool recomputes = false;

  // Called with the name and output of every sub-network when set: for tests and for looking inside. The branches then
  // exchange module by module instead of in one node.
  std::function<void(const std::string& name, const torch::Tensor& output)> observe;

  Convolution temporal_stem{nullptr};
  std::vector<Linear> input_linears;
  std::vector<IntegrationToTemporal> integration2temporal_nets;
  std::vector<TemporalToIntegration> temporal2integration_nets;
  std::vector<TemporalNet> temporal_nets;
  std::vector<IntegrationNet> integration_nets;
  std::vector<AdaptivePooling> adapooling_nets;
  Linear proj_spatial_cls_token{nullptr};
  LayerNorm ln_post{nullptr};
  torch::Tensor proj, aggregated_cls_token, aggregated_spatial_cls_token;  // [d, e], [1, 1, d], [1, 1, d]

 private:
  // What flows from layer to layer.
  struct Streams {
    torch::Tensor x;  // [B, F, g, g, c]; undefined after the last, as nobody reads it
    torch::Tensor r;  // [B, t, L, d]; undefined before the first; after the last r + m, what pooling reads
  };
  Exchanged exchange_observed(int64_t i, const torch::Tensor& feature, const torch::Tensor& x, const torch::Tensor& r);
  Streams run_layer(int64_t i, const Streams& in, const torch::Tensor& feature);
  torch::Tensor integrate(const torch::Tensor& x, const torch::Tensor& features);
  torch::Tensor pool(const torch::Tensor& feat);
  void note(const std::string& name, int64_t index, const torch::Tensor& output) const;
};
TORCH_MODULE(DistNet);

// Fills every parameter as the reference does (MODEL.md "Initialisation"), as a function of `seed` and its name.
void initialise(torch::nn::Module& module, uint64_t seed);

// The names, below a DistNet of `layers` layers, that never receive a gradient: the last integration-to-temporal
// network, whose output nobody reads. They stay in checkpoints and out of optimiser and reduction.
std::vector<std::string> names_without_gradient(int64_t layers);

}  // namespace permafrost::core
