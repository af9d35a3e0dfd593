#include "core/encoder/encoder_weights.h"

#include <nlohmann/json.hpp>
#include <set>
#include <utility>
#include <vector>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/checkpoint/state.h"
#include "core/encoder/encoder_config.h"
#include "core/encoder/encoder_files.h"
#include "core/encoder/weight_names.h"

namespace permafrost::core {
namespace {

EncoderDescription describe(const EncoderFiles& files, const SafetensorsFile& weights, const WeightNames& names) {
  if (!files.hugging_face_config.empty()) return describe_hugging_face(files.hugging_face_config);
  if (!files.open_clip_config.empty()) return describe_open_clip(files.open_clip_config);
  if (names.table == nullptr) return describe_by_shapes(weights, names.prefix);
  throw DataError(weights.path + ": expected a config.json beside it, found none: its tensors do not say all");
}

VisionConfig with_options(VisionConfig config, const EncoderOptions& options, const std::string& where) {
  config.activation = options.activation.value_or(config.activation);
  const int64_t size = options.image_size == 0 ? config.image_size : options.image_size;
  const int64_t patch = config.patch_size;
  if (size < patch || size % patch != 0) {
    throw ConfigError(where + ": image size " + std::to_string(size) + " is no multiple of patch_size " +
                      std::to_string(patch) + ": choose one that is, such as " +
                      std::to_string(std::max<int64_t>(1, size / patch) * patch));
  }
  config.image_size = size;
  return config;
}

// One tensor of ours from the file's, each of whose parts must have the shape that `expected` has there.
torch::Tensor read_tensor(const SafetensorsFile& weights, const StoredWeight& stored, const torch::Tensor& expected,
                          std::set<std::string>& used) {
  const std::vector<torch::Tensor> expected_parts = stored.split(expected);
  std::vector<torch::Tensor> parts;
  for (size_t i = 0; i < stored.names.size(); ++i) {
    const std::string& name = stored.names[i];
    const auto found = weights.tensors.find(name);
    if (found == weights.tensors.end()) throw_missing(weights.path, name, expected_parts[i].sizes());
    require_fitting(weights.path, name, expected_parts[i].sizes(), found->second);
    parts.push_back(found->second.to(torch::kFloat32));
    used.insert(name);
  }
  return stored.joined(parts);
}

void require_nothing_left(const SafetensorsFile& weights, const WeightNames& names, const std::set<std::string>& used) {
  for (const auto& [name, tensor] : weights.tensors) {
    if (!used.contains(name) && !names.leaves_aside(name)) throw_left_over(weights.path, name, tensor.sizes());
  }
}

// Parameters by name, the patches first: a wrong patch size is told as such, not as a wrong number of positions.
std::vector<std::pair<std::string, torch::Tensor>> parameters_in_order(VisionTransformer& encoder) {
  std::vector<std::pair<std::string, torch::Tensor>> parameters{{"conv1.weight", encoder->conv1->weight}};
  for (const auto& item : encoder->named_parameters()) {
    if (item.key() != "conv1.weight") parameters.emplace_back(item.key(), item.value());
  }
  return parameters;
}

void fill(VisionTransformer& encoder, const EncoderDescription& description, const SafetensorsFile& weights,
          const WeightNames& names) {
  const torch::NoGradGuard no_grad;
  const VisionConfig& config = encoder->config;
  std::set<std::string> used;
  for (auto& [name, parameter] : parameters_in_order(encoder)) {
    const bool has_positions = name == "positional_embedding";
    const torch::Tensor expected =
        has_positions ? torch::empty({description.vision.positions(), config.width}) : parameter;
    torch::Tensor tensor = read_tensor(weights, names.of(name, weights.path), expected, used);
    if (has_positions) {
      tensor = resize_positions(tensor, config.has_class_token ? 1 : 0, config.grid(), description.position_resize);
    }
    parameter.copy_(tensor);
  }
  require_nothing_left(weights, names, used);
}

bool is_clip(const VisionConfig& config) {
  return config.has_class_token && config.registers == 0 && !config.has_patch_bias && config.has_pre_norm &&
         config.has_projection && !config.has_attention_pool && config.has_qkv_bias && !config.has_layer_scale &&
         !config.has_gated_mlp;
}

nlohmann::json clip_config(const VisionConfig& config) {
  return {{"architectures", {"CLIPVisionModelWithProjection"}},
          {"model_type", "clip_vision_model"},
          {"hidden_act", name_of(config.activation)},
          {"hidden_size", config.width},
          {"image_size", config.image_size},
          {"intermediate_size", config.mlp_width},
          {"layer_norm_eps", config.layer_norm_epsilon},
          {"num_attention_heads", config.heads},
          {"num_channels", 3},
          {"num_hidden_layers", config.layers},
          {"patch_size", config.patch_size},
          {"projection_dim", config.embedding}};
}

}  // namespace

VisionTransformer load_encoder(const std::string& path, const EncoderOptions& options) {
  const EncoderFiles files = find_encoder_files(path);
  const std::string config = files.hugging_face_config;
  if (!config.empty()) describe_hugging_face(config);  // a wrong config is told before gigabytes are read
  const SafetensorsFile weights = read_weights(files.weights);
  const WeightNames names = names_in(weights);
  const EncoderDescription description = describe(files, weights, names);
  VisionTransformer encoder(with_options(description.vision, options, path));
  fill(encoder, description, weights, names);
  return encoder;
}

void save_encoder(const std::string& directory, VisionTransformer& encoder) {
  const VisionConfig& config = encoder->config;
  if (!is_clip(config)) throw ConfigError(directory + ": only CLIP-shaped encoders are written, this one is no CLIP");
  make_directories(directory);
  std::map<std::string, torch::Tensor> theirs;
  for (const auto& item : encoder->named_parameters()) {
    const StoredWeight stored = hugging_face_clip_names().of(item.key(), directory);
    const std::vector<torch::Tensor> parts = stored.split(item.value().detach());
    for (size_t i = 0; i < parts.size(); ++i) theirs[stored.names[i]] = parts[i].contiguous();
  }
  write_safetensors(directory + "/model.safetensors", theirs, {{"format", "pt"}});
  publish_text(directory + "/config.json", clip_config(config).dump(2) + "\n");
  if (config.pixels == PixelNormalisation{}) return;
  const nlohmann::json preprocessor{{"image_mean", config.pixels.mean}, {"image_std", config.pixels.deviation}};
  publish_text(directory + "/preprocessor_config.json", preprocessor.dump(2) + "\n");
}

}  // namespace permafrost::core
