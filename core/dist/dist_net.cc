#include "core/dist/dist_net.h"

#include <ATen/CPUGeneratorImpl.h>
#include <ATen/record_function.h>

#include <cmath>
#include <optional>

#include "core/base/error.h"
#include "core/base/random.h"
#include "core/dist/autocast.h"
#include "core/dist/recompute.h"

namespace permafrost::core {
void require_sound(const DistConfig& config) {
  std::string faults;
  const auto demand = [&](bool holds, const std::string& what) {
    if (!holds) faults += (faults.empty() ? "" : "; ") + what;
  };
  demand(config.frames > 0 && config.alpha > 0 && config.frames % std::max<int64_t>(config.alpha, 1) == 0,
         "frames (" + std::to_string(config.frames) + ") must be a multiple of alpha (" + std::to_string(config.alpha) +
             ")");
  demand(config.patch_size > 0 && config.image_size % std::max<int64_t>(config.patch_size, 1) == 0,
         "the image size must be a multiple of the patch size");
  demand(config.integration_dim > 0 && config.integration_dim % 64 == 0, "integration_dim must be a multiple of 64");
  demand(config.temporal_dim > 0, "temporal_dim must be positive");
  demand(config.temporal_hidden() > 0 && config.integration_hidden() > 0 && config.integration_temporal_hidden() > 0,
         "every mlp ratio must leave at least one hidden channel");
  demand(config.layers > 0 && config.pooling_layers > 0, "layers and pooling_layers must be positive");
  demand(config.temporal_patch % 2 == 1 && config.temporal_kernel % 2 == 1, "temporal_patch and kernel must be odd");
  if (!faults.empty()) throw ConfigError("no such DiST network: " + faults);
}

DistNetImpl::DistNetImpl(const DistConfig& config) : config(config) {
  require_sound(config);
  const int64_t layers = config.layers, width = config.integration_dim;
  temporal_stem = register_module("temporal_stem", make_temporal_stem(config));
  input_linears = register_list(*this, "input_linears", layers, [&] { return Linear(config.width, width); });
  integration2temporal_nets =
      register_list(*this, "integration2temporal_nets", layers, [&] { return IntegrationToTemporal(config); });
  temporal2integration_nets =
      register_list(*this, "temporal2integration_nets", layers, [&] { return TemporalToIntegration(config); });
  temporal_nets = register_list(*this, "temporal_nets", layers, [&] { return TemporalNet(config); });
  integration_nets = register_list(*this, "integration_nets", layers, [&] { return IntegrationNet(config); });
  adapooling_nets =
      register_list(*this, "adapooling_nets", config.pooling_layers, [&] { return AdaptivePooling(config); });
  proj_spatial_cls_token = register_module("proj_spatial_cls_token", Linear(config.width, width));
  ln_post = register_module("ln_post", LayerNorm(width));
  proj = register_parameter("proj", torch::empty({width, config.embedding}));
  aggregated_cls_token = register_parameter("aggregated_cls_token", torch::empty({1, 1, width}));
  aggregated_spatial_cls_token = register_parameter("aggregated_spatial_cls_token", torch::empty({1, 1, width}));
}

void DistNetImpl::note(const std::string& name, int64_t index, const torch::Tensor& output) const {
  if (observe) observe(name + "." + std::to_string(index), output);
}

// Steps 2 to 4 one by one, for whoever looks at what each module gives.
Exchanged DistNetImpl::exchange_observed(int64_t i, const torch::Tensor& feature, const torch::Tensor& x,
                                         const torch::Tensor& r) {
  torch::Tensor m = input_linears[i](feature);  // [B, t, L, d]
  if (r.defined()) m = m + r;
  const torch::Tensor fused = temporal2integration_nets[i](x);
  note("temporal2integration_nets", i, fused);
  const torch::Tensor back = integration2temporal_nets[i](m);
  note("integration2temporal_nets", i, back);
  return {x + back, m + fused};
}

DistNetImpl::Streams DistNetImpl::run_layer(int64_t i, const Streams& in, const torch::Tensor& feature) {
  const bool is_last = i + 1 == config.layers;
  const torch::Tensor x = temporal_nets[i](in.x);  // [B, F, g, g, c]
  note("temporal_nets", i, x);
  const Exchanged exchanged =
      observe ? exchange_observed(i, feature, x, in.r)
              : exchange_streams({input_linears[i], temporal2integration_nets[i],
                                  is_last ? IntegrationToTemporal(nullptr) : integration2temporal_nets[i]},
                                 feature, x, in.r);
  const torch::Tensor r = integration_nets[i](exchanged.m);  // [B, t, L, d]
  note("integration_nets", i, r);
  return {exchanged.x, is_last ? r + exchanged.m : r};
}

torch::Tensor DistNetImpl::integrate(const torch::Tensor& x, const torch::Tensor& features) {
  Streams streams{x, {}};
  for (int64_t i = 0; i < config.layers; ++i) {
    const torch::Tensor feature = features[i];
    if (!recomputes || !torch::GradMode::is_enabled()) {
      streams = run_layer(i, streams, feature);
      continue;
    }
    std::vector<torch::Tensor> entering{streams.x};
    if (streams.r.defined()) entering.push_back(streams.r);
    const std::vector<torch::Tensor> out = recomputed(entering, [this, i, feature](const auto& in) {
      const Streams after = run_layer(i, {in[0], in.size() > 1 ? in[1] : torch::Tensor()}, feature);
      return after.x.defined() ? std::vector<torch::Tensor>{after.r, after.x} : std::vector<torch::Tensor>{after.r};
    });
    streams = {out.size() > 1 ? out[1] : torch::Tensor(), out[0]};
  }
  return streams.r;
}

// Pooling holds many of the weights and next to none of the products: on a CPU, narrowing it would cost more than it
// gives.
torch::Tensor DistNetImpl::pool(const torch::Tensor& feat) {
  const int64_t clips = feat.size(0), frames = feat.size(1);
  std::optional<Autocast> full;
  if (feat.is_cpu()) full.emplace(torch::kCPU, torch::kFloat32);
  const torch::Tensor normalised = normalise(feat.is_cpu() ? feat.to(torch::kFloat32) : feat);
  Pooled pooled{aggregated_cls_token.expand({clips, -1, -1}),
                aggregated_spatial_cls_token.expand({clips * frames, -1, -1})};
  for (int64_t i = 0; i < config.pooling_layers; ++i) {
    pooled = adapooling_nets[i](normalised, pooled);
    note("adapooling_nets", i, pooled.clip);
  }
  return pooled.clip.squeeze(1);  // [B, d]
}

torch::Tensor DistNetImpl::forward(const torch::Tensor& pixels, const torch::Tensor& features) {
  const torch::Tensor x = apply_temporal_stem(temporal_stem, pixels);  // [B, F, g, g, c]
  if (observe) observe("temporal_stem", x);
  const torch::Tensor pooled = pool(integrate(x, features));                                              // [B, d]
  const torch::Tensor frozen = features[config.layers - 1].select(2, 0).mean(1, false, torch::kFloat32);  // [B, C]
  return torch::matmul(ln_post(pooled + proj_spatial_cls_token(frozen)), proj);                           // [B, e]
}

void initialise(torch::nn::Module& module, uint64_t seed) {
  torch::NoGradGuard no_grad;
  for (auto& item : module.named_parameters()) {
    const std::string& name = item.key();
    torch::Tensor parameter = item.value();
    if (!parameter.requires_grad()) continue;  // the frozen text features
    auto generator = at::make_generator<at::CPUGeneratorImpl>(RandomStream(seed, {stable_hash(name)}).next());
    const auto ends_with = [&](const char* text) { return name.ends_with(text); };
    if (ends_with("in_proj_weight")) {
      const double bound = std::sqrt(6.0 / static_cast<double>(parameter.size(0) + parameter.size(1)));
      parameter.uniform_(-bound, bound, generator);
    } else if (name == "proj" || ends_with(".proj")) {
      parameter.normal_(0.0, 1.0 / std::sqrt(static_cast<double>(parameter.size(0))), generator);
    } else if (parameter.dim() == 1) {
      parameter.fill_(ends_with("weight") ? 1.0 : 0.0);  // LayerNorm 1 and 0; biases 0
    } else {
      parameter.normal_(0.0, 0.02, generator);
    }
  }
}

std::vector<std::string> names_without_gradient(int64_t layers) {
  const std::string last = "integration2temporal_nets." + std::to_string(layers - 1) + ".linear_fuse.";
  return {last + "weight", last + "bias"};
}

}  // namespace permafrost::core
