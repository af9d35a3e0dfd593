// Hugging Face's CLIP vision directories: config.json and model.safetensors, read into OpenAI's names and written back.
#include <torch/types.h>

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/state.h"
#include "core/encoder/vision_transformer.h"

namespace permafrost::core {
namespace {

using nlohmann::json;
using Tensors = std::map<std::string, torch::Tensor>;

// Ours -> Hugging Face's. q, k and v are stacked in ours and apart in theirs: handled by name below.
std::string hugging_face_block_name(const std::string& ours) {
  static const std::map<std::string, std::string> kNames{{"ln_1", "layer_norm1"},
                                                         {"ln_2", "layer_norm2"},
                                                         {"attn.out_proj", "self_attn.out_proj"},
                                                         {"mlp.c_fc", "mlp.fc1"},
                                                         {"mlp.c_proj", "mlp.fc2"}};
  const size_t dot = ours.rfind('.');
  return kNames.at(ours.substr(0, dot)) + ours.substr(dot);
}

const std::map<std::string, std::string>& hugging_face_outer_names() {
  static const std::map<std::string, std::string> kNames{
      {"class_embedding", "vision_model.embeddings.class_embedding"},
      {"conv1.weight", "vision_model.embeddings.patch_embedding.weight"},
      {"positional_embedding", "vision_model.embeddings.position_embedding.weight"},
      {"ln_pre.weight", "vision_model.pre_layrnorm.weight"},  // their spelling
      {"ln_pre.bias", "vision_model.pre_layrnorm.bias"},
      {"ln_post.weight", "vision_model.post_layernorm.weight"},
      {"ln_post.bias", "vision_model.post_layernorm.bias"},
      {"proj", "visual_projection.weight"}};
  return kNames;
}

// The tensors of theirs that make up one of ours, in order: one, or q, k and v.
std::vector<std::string> hugging_face_names(const std::string& ours) {
  const std::string blocks = "transformer.resblocks.";
  if (!ours.starts_with(blocks)) return {hugging_face_outer_names().at(ours)};
  const size_t dot = ours.find('.', blocks.size());
  const std::string prefix = "vision_model.encoder.layers." + ours.substr(blocks.size(), dot - blocks.size()) + ".";
  const std::string rest = ours.substr(dot + 1);
  const std::string stacked = "attn.in_proj_";
  if (!rest.starts_with(stacked)) return {prefix + hugging_face_block_name(rest)};
  const std::string kind = rest.substr(stacked.size());  // weight or bias
  return {prefix + "self_attn.q_proj." + kind, prefix + "self_attn.k_proj." + kind,
          prefix + "self_attn.v_proj." + kind};
}

torch::Tensor from_hugging_face(const SafetensorsFile& file, const std::string& ours) {
  std::vector<torch::Tensor> parts;
  for (const std::string& name : hugging_face_names(ours)) parts.push_back(file.at(name));
  torch::Tensor tensor = parts.size() == 1 ? parts[0] : torch::cat(parts, 0);
  return ours == "proj" ? tensor.t() : tensor;  // theirs is a Linear's weight
}

json read_config(const std::string& path) {
  json config = json::parse(read_text(path, 1 << 20), nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) throw DataError(path + ": expected a JSON object: give a Hugging Face CLIP directory");
  return config.contains("vision_config") ? config["vision_config"] : config;
}

template <class T>
T field(const json& config, const std::string& path, const char* name) {
  if (!config.contains(name)) throw DataError(path + ": expected the field '" + name + "', found none");
  try {
    return config.at(name).get<T>();
  } catch (const json::exception&) {
    throw DataError(path + ": the field '" + name + "' is of the wrong kind: " + config.at(name).dump());
  }
}

Activation activation_named(const std::string& path, const std::string& name) {
  if (name == "quick_gelu") return Activation::kQuickGelu;
  if (name == "gelu") return Activation::kGelu;
  throw DataError(path + ": hidden_act is '" + name + "', expected quick_gelu or gelu");
}

VisionConfig parse_config(const std::string& path) {
  const json config = read_config(path);
  VisionConfig vision;
  vision.image_size = field<int64_t>(config, path, "image_size");
  vision.patch_size = field<int64_t>(config, path, "patch_size");
  vision.width = field<int64_t>(config, path, "hidden_size");
  vision.layers = field<int64_t>(config, path, "num_hidden_layers");
  vision.heads = field<int64_t>(config, path, "num_attention_heads");
  vision.mlp_width = field<int64_t>(config, path, "intermediate_size");
  vision.embedding = field<int64_t>(config, path, "projection_dim");
  vision.activation = activation_named(path, field<std::string>(config, path, "hidden_act"));
  vision.layer_norm_epsilon = config.value("layer_norm_eps", 1e-5);
  require_sound(vision, path);
  return vision;
}

}  // namespace

void require_sound(const VisionConfig& config, const std::string& where) {
  constexpr int64_t kMost = 1 << 20;
  for (const int64_t size : {config.image_size, config.patch_size, config.width, config.layers, config.heads,
                             config.mlp_width, config.embedding}) {
    if (size < 1 || size > kMost) throw DataError(where + ": a size of " + std::to_string(size) + " makes no encoder");
  }
  if (config.image_size % config.patch_size != 0) {
    throw DataError(where + ": image_size " + std::to_string(config.image_size) + " is no multiple of patch_size " +
                    std::to_string(config.patch_size));
  }
  if (config.width % config.heads != 0) {
    throw DataError(where + ": hidden_size " + std::to_string(config.width) + " is no multiple of " +
                    std::to_string(config.heads) + " heads");
  }
}

void save_encoder(const std::string& directory, VisionTransformer& encoder) {
  make_directories(directory);
  Tensors theirs;
  for (const auto& item : encoder->named_parameters()) {
    const torch::Tensor tensor = item.key() == "proj" ? item.value().t() : item.value();
    const std::vector<std::string> names = hugging_face_names(item.key());
    const std::vector<torch::Tensor> parts = tensor.detach().chunk(static_cast<int64_t>(names.size()), 0);
    for (size_t i = 0; i < names.size(); ++i) theirs[names[i]] = parts[i].contiguous();
  }
  write_safetensors(directory + "/model.safetensors", theirs, {{"format", "pt"}});
  const VisionConfig& config = encoder->config;
  const json description{{"architectures", {"CLIPVisionModelWithProjection"}},
                         {"model_type", "clip_vision_model"},
                         {"hidden_act", config.activation == Activation::kQuickGelu ? "quick_gelu" : "gelu"},
                         {"hidden_size", config.width},
                         {"image_size", config.image_size},
                         {"intermediate_size", config.mlp_width},
                         {"layer_norm_eps", config.layer_norm_epsilon},
                         {"num_attention_heads", config.heads},
                         {"num_channels", 3},
                         {"num_hidden_layers", config.layers},
                         {"patch_size", config.patch_size},
                         {"projection_dim", config.embedding}};
  publish_text(directory + "/config.json", description.dump(2) + "\n");
}

VisionTransformer load_encoder(const std::string& directory) {
  VisionTransformer encoder(parse_config(directory + "/config.json"));
  const SafetensorsFile file = read_safetensors(directory + "/model.safetensors");
  Tensors ours;
  for (const auto& item : encoder->named_parameters()) ours[item.key()] = from_hugging_face(file, item.key());
  load_state(*encoder, ours, file.path);
  return encoder;
}

}  // namespace permafrost::core
