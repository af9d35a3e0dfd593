#include "tests/core/dist/dist_golden.h"

#include <algorithm>

#include "core/base/error.h"
#include "core/checkpoint/state.h"
#include "core/dist/autocast.h"
#include "core/dist/classifier.h"
#include "core/recipe/optimizer.h"
#include "tests/core/golden.h"

namespace permafrost::testing {
namespace {

constexpr double kFixturePrecision = 3e-6;
constexpr double kLearningRate = 3.2e-4;

// Ours to the reference's layout: [B, t, L, d] -> [L, B*t, d], [B, F, g, g, c] -> [B, c, F, g, g], [B, 1, d] ->
// [1, B, d].
torch::Tensor to_reference_layout(const torch::Tensor& x) {
  if (x.dim() == 5) return x.permute({0, 4, 1, 2, 3});
  if (x.dim() == 4) return x.flatten(0, 1).transpose(0, 1);
  return x.transpose(0, 1);
}

// The key third of an attention's in_proj_bias has no true gradient: its stored values are rounding noise, compared
// absolutely.
double in_proj_bias_error(const torch::Tensor& found, const torch::Tensor& expected) {
  constexpr double kAbsoluteTolerance = 1e-5;
  const auto theirs = expected.chunk(3), ours = found.chunk(3);
  const double key = (ours[1] - theirs[1]).abs().max().item<double>() * (kGoldenTolerance / kAbsoluteTolerance);
  return worse(worse(relative_error(ours[0], theirs[0]), key), relative_error(ours[2], theirs[2]));
}

}  // namespace

double worst(const Errors& errors) {
  double largest = 0;
  for (const auto& [name, error] : errors) largest = worse(largest, error);
  return largest;
}

DistGolden::DistGolden(const std::string& path, torch::Device device)
    : file_(core::read_safetensors(path)), device_(device) {
  const auto config = file_.metadata.find("config");
  if (config == file_.metadata.end()) throw core::DataError(path + ": expected the metadata key 'config', found none");
  meta_ = nlohmann::json::parse(config->second, nullptr, /*allow_exceptions=*/false);
  if (!meta_.is_object()) throw core::DataError(path + ": expected a JSON object in the metadata key 'config'");
  layers_ = meta_.at("selected_layers").get<std::vector<int64_t>>();
  net_ = core::DistNet(dist_config());
  for (auto& [name, tensor] : file_.tensors) tensor = tensor.to(device);
  core::load_state(*net_, with_prefix("dist_net."), path);
  net_->to(device);
}

std::map<std::string, torch::Tensor> DistGolden::with_prefix(const std::string& prefix) const {
  std::map<std::string, torch::Tensor> tensors;
  for (const auto& [name, tensor] : file_.tensors) {
    if (name.starts_with(prefix)) tensors[name.substr(prefix.size())] = tensor;
  }
  return tensors;
}

core::DistConfig DistGolden::dist_config() const {
  core::DistConfig config;
  config.frames = meta_.at("frames");
  config.alpha = meta_.at("alpha");
  config.image_size = meta_.at("image");
  config.patch_size = meta_.at("patch");
  config.layers = static_cast<int64_t>(layers_.size());
  config.width = meta_.at("vit_width");
  config.embedding = meta_.at("embed_dim");
  config.integration_dim = meta_.at("integration_dim");
  config.temporal_dim = meta_.at("temporal_dim");
  config.pooling_layers = meta_.at("ada_pooling_layers");
  config.temporal_patch = meta_.at("temporal_patch");
  config.temporal_kernel = meta_.at("temporal_kernel");
  config.temporal_mlp_ratio = meta_.at("temporal_mlp_ratio");
  config.integration_mlp_ratio = meta_.at("integration_mlp_ratio");
  config.integration_temporal_mlp_ratio = meta_.at("integration_temporal_mlp_ratio");
  return config;
}

torch::Tensor DistGolden::frozen_features() const {
  std::vector<torch::Tensor> chosen;
  for (const int64_t layer : layers_) {
    const torch::Tensor feature = file_.at("feature." + std::to_string(layer));  // [L, B*t, C]
    chosen.push_back(feature.transpose(0, 1).unflatten(0, {meta_.at("batch").get<int64_t>(), -1}));
  }
  return torch::stack(chosen);
}

torch::Tensor DistGolden::pixels() const { return core::normalise_pixels(file_.at("input.video")); }

torch::Tensor DistGolden::logits(const torch::Tensor& embedding) const {
  return core::text_cosine_logits(embedding, file_.at("input.text_features"), file_.at("input.logit_scale"));
}

torch::Tensor DistGolden::loss(const torch::Tensor& logits) const {
  return torch::cross_entropy_loss(logits, file_.at("input.target"), {}, at::Reduction::Mean, -100, 0.1);
}

double DistGolden::error_of(const torch::Tensor& found, const std::string& name) const {
  return relative_error(found, file_.at(name));
}

Errors DistGolden::features() {
  core::VisionConfig config;
  config.image_size = meta_.at("image");
  config.patch_size = meta_.at("patch");
  config.width = meta_.at("vit_width");
  config.layers = meta_.at("vit_layers");
  config.heads = meta_.at("vit_heads");
  config.mlp_width = file_.at("visual.transformer.resblocks.0.mlp.c_fc.bias").numel();
  config.embedding = meta_.at("embed_dim");
  core::VisionTransformer encoder(config);
  core::load_state(*encoder, with_prefix("visual."), file_.path);
  encoder->to(device_);
  const torch::NoGradGuard no_grad;
  const torch::Tensor frames = pixels().slice(1, 0, std::nullopt, meta_.at("alpha").get<int64_t>()).flatten(0, 1);
  const std::vector<torch::Tensor> layers = encoder->forward(frames);
  Errors errors;
  for (size_t i = 0; i < layers.size(); ++i) {
    const std::string name = "feature." + std::to_string(i);
    errors[name] = error_of(layers[i].transpose(0, 1), name);
  }
  errors["output.clip_frame_embedding"] = error_of(encoder->embed(layers.back()), "output.clip_frame_embedding");
  return errors;
}

Errors DistGolden::activations() {
  Errors errors;
  net_->observe = [&](const std::string& name, const torch::Tensor& output) {
    errors[name] = error_of(to_reference_layout(output), "act." + name);
  };
  const torch::NoGradGuard no_grad;
  embed();
  net_->observe = nullptr;
  for (const auto& [name, tensor] : with_prefix("act.")) {
    if (!errors.contains(name)) throw core::DataError(file_.path + ": act." + name + " has no counterpart in ours");
  }
  return errors;
}

Errors DistGolden::outputs() {
  const torch::NoGradGuard no_grad;
  const torch::Tensor embedding = embed();
  const torch::Tensor found = logits(embedding);
  return {{"embedding", error_of(embedding, "output.embedding")},
          {"logits", error_of(found, "output.logits")},
          {"loss", error_of(loss(found), "output.loss")}};
}

double DistGolden::bfloat16_logits() {
  const torch::NoGradGuard no_grad;
  const core::Autocast autocast(device_.type(), torch::kBFloat16);
  const torch::Tensor expected = file_.at("output.logits");
  const torch::Tensor found = logits(embed()).to(torch::kFloat32);
  return ((found - expected).abs().max() / (expected.max() - expected.min())).item<double>();
}

Errors DistGolden::gradients() {
  net_->zero_grad(/*set_to_none=*/true);
  loss(logits(embed())).backward();
  Errors errors;
  for (const auto& item : net_->named_parameters()) {
    const torch::Tensor found = item.value().grad();
    if (!found.defined()) continue;
    const torch::Tensor expected = file_.at("grad.dist_net." + item.key());
    errors[item.key()] =
        item.key().ends_with("in_proj_bias") ? in_proj_bias_error(found, expected) : relative_error(found, expected);
  }
  return errors;
}

std::vector<std::string> DistGolden::without_gradient() {
  gradients();
  std::vector<std::string> names;
  for (const auto& item : net_->named_parameters()) {
    if (!item.value().grad().defined()) names.push_back("grad.dist_net." + item.key());
  }
  return names;
}

std::vector<std::string> DistGolden::expected_without_gradient() const {
  return meta_.at("no_grad").get<std::vector<std::string>>();
}

torch::Tensor DistGolden::is_undetermined(const std::string& parameter) const {
  const std::string key = "grad.dist_net." + parameter;
  if (!file_.has(key)) return torch::zeros_like(file_.at("dist_net." + parameter), torch::kBool);
  const torch::Tensor gradient = file_.at(key).abs();
  return (gradient > 0).logical_and(gradient < kFixturePrecision * gradient.max());
}

int64_t DistGolden::undetermined_elements() const {
  int64_t count = 0;
  for (const auto& [name, tensor] : with_prefix("dist_net.")) count += is_undetermined(name).sum().item<int64_t>();
  return count;
}

int64_t DistGolden::elements() const {
  int64_t count = 0;
  for (const auto& [name, tensor] : with_prefix("dist_net.")) count += tensor.numel();
  return count;
}

Errors DistGolden::after_step() {
  const auto parameters = core::trainable_parameters(*net_, net_->config.layers);
  core::AdamW optimizer(parameters, {});
  gradients();
  std::map<std::string, torch::Tensor> before;
  for (const auto& [name, tensor] : core::state_of(*net_)) before[name] = tensor.clone();
  optimizer.step(kLearningRate);
  Errors errors;
  for (const auto& [name, tensor] : core::state_of(*net_)) {
    if (name.ends_with("in_proj_bias")) continue;  // Adam turns the key's rounding noise into full steps
    const torch::Tensor expected = file_.at("after_step.dist_net." + name);
    errors[name] = relative_error(torch::where(is_undetermined(name), expected, tensor), expected);
  }
  core::load_state(*net_, before, file_.path);
  return errors;
}

}  // namespace permafrost::testing
