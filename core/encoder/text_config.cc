// The geometry of a text tower, from any of the places that tell it.
#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/encoder/text_weights.h"

namespace permafrost::core {
namespace {

using nlohmann::json;

constexpr int64_t kLegacyEnd = 2;

json read_object(const std::string& path) {
  json config = json::parse(read_text(path, 1 << 20), nullptr, /*allow_exceptions=*/false);
  if (!config.is_object()) throw DataError(path + ": expected a JSON object: give the directory of a CLIP model");
  return config;
}

// A field, or what the library that wrote the config takes where it is absent.
template <class T>
T field(const json& config, const std::string& path, const char* name, T otherwise) {
  if (!config.contains(name) || config.at(name).is_null()) return otherwise;
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

// transformers' CLIPConfig (`text_config` inside) or CLIPTextConfig; absent fields have its defaults.
TextConfig parse_hugging_face(const std::string& path) {
  const json whole = read_object(path);
  const auto type = field<std::string>(whole, path, "model_type", "");
  if (type != "clip" && type != "clip_text_model") {
    throw DataError(path + ": model_type is '" + type +
                    "', expected clip or clip_text_model: give a CLIP text encoder");
  }
  const json& config = whole.contains("text_config") && whole["text_config"].is_object() ? whole["text_config"] : whole;
  TextConfig text;
  text.vocabulary = field(config, path, "vocab_size", text.vocabulary);
  text.context = field(config, path, "max_position_embeddings", text.context);
  text.width = field(config, path, "hidden_size", text.width);
  text.layers = field(config, path, "num_hidden_layers", text.layers);
  text.heads = field(config, path, "num_attention_heads", text.heads);
  text.mlp_width = field(config, path, "intermediate_size", text.mlp_width);
  text.embedding = field(whole, path, "projection_dim", field(config, path, "projection_dim", text.embedding));
  text.activation = activation_named(path, field<std::string>(config, path, "hidden_act", "quick_gelu"));
  text.layer_norm_epsilon = field(config, path, "layer_norm_eps", text.layer_norm_epsilon);
  const auto end = field<int64_t>(config, path, "eos_token_id", 49407);
  text.end_id = end == kLegacyEnd ? -1 : end;
  return text;
}

TextConfig parse_open_clip(const std::string& path) {
  const json whole = read_object(path);
  const json model = whole.value("model_cfg", whole);
  const json config = model.value("text_cfg", json::object());
  TextConfig text;
  text.vocabulary = field(config, path, "vocab_size", text.vocabulary);
  text.context = field(config, path, "context_length", text.context);
  text.width = field(config, path, "width", text.width);
  text.layers = field(config, path, "layers", text.layers);
  text.heads = field(config, path, "heads", text.heads);
  text.mlp_width = static_cast<int64_t>(static_cast<double>(text.width) * field(config, path, "mlp_ratio", 4.0));
  text.embedding = field(model, path, "embed_dim", text.embedding);
  const bool is_quick = field(model, path, "quick_gelu", false);
  text.activation = is_quick ? Activation::kQuickGelu : Activation::kGelu;
  return text;
}

TextConfig infer(const std::map<std::string, torch::Tensor>& tensors, const std::string& where) {
  const auto size = [&](const std::string& name, int64_t dimension) {
    const auto found = tensors.find(name);
    if (found == tensors.end() || found->second.dim() <= dimension) {
      throw DataError(where + ": expected a tensor '" + name + "', found none: give a CLIP text encoder");
    }
    return found->second.size(dimension);
  };
  TextConfig text;
  text.vocabulary = size("token_embedding.weight", 0);
  text.context = size("positional_embedding", 0);
  text.width = size("positional_embedding", 1);
  text.embedding = size("text_projection", 1);
  text.mlp_width = size("transformer.resblocks.0.mlp.c_fc.weight", 0);
  text.heads = std::max<int64_t>(1, text.width / 64);
  text.layers = 0;
  while (tensors.contains("transformer.resblocks." + std::to_string(text.layers) + ".ln_1.weight")) ++text.layers;
  return text;
}

}  // namespace

void require_sound(const TextConfig& config, const std::string& where) {
  constexpr int64_t kMost = 1 << 20;
  for (const int64_t size : {config.vocabulary, config.context, config.width, config.layers, config.heads,
                             config.mlp_width, config.embedding}) {
    if (size < 1 || size > kMost) throw DataError(where + ": a size of " + std::to_string(size) + " makes no encoder");
  }
  if (config.width % config.heads != 0) {
    throw DataError(where + ": hidden_size " + std::to_string(config.width) + " is no multiple of " +
                    std::to_string(config.heads) + " heads");
  }
}

TextConfig read_text_config(const std::string& directory, const std::map<std::string, torch::Tensor>& tensors,
                            const std::string& where) {
  const std::string hugging_face = directory + "/config.json", open_clip = directory + "/open_clip_config.json";
  const bool is_folder = !directory.empty();
  std::string path = where;
  TextConfig config;
  if (is_folder && std::filesystem::exists(hugging_face)) {
    config = parse_hugging_face(path = hugging_face);
  } else if (is_folder && std::filesystem::exists(open_clip)) {
    config = parse_open_clip(path = open_clip);
  } else {
    config = infer(tensors, where);
  }
  require_sound(config, path);
  return config;
}

}  // namespace permafrost::core
