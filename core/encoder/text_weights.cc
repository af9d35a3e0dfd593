#include "core/encoder/text_weights.h"

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/checkpoint/safetensors.h"

namespace permafrost::core {
namespace {

using nlohmann::json;
using Tensors = std::map<std::string, torch::Tensor>;

// Those that belong to no text tower and may stand beside one.
bool is_passed_over(const std::string& name) {
  static const std::set<std::string> kNames{"logit_scale",
                                            "logit_bias",
                                            "attn_mask",
                                            "input_resolution",
                                            "context_length",
                                            "vocab_size",
                                            "visual_projection.weight"};
  return kNames.contains(name) || name.starts_with("visual.") || name.starts_with("vision_model.") ||
         name.ends_with(".position_ids");
}

std::string without_prefix(const std::string& name, const std::string& prefix) {
  return name.starts_with(prefix) ? name.substr(prefix.size()) : name;
}

// model.safetensors, its shards, or OpenCLIP's file of its own name.
std::vector<std::string> weight_files(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  const std::string index = path + "/model.safetensors.index.json";
  if (std::filesystem::exists(index)) {
    const json map = json::parse(read_text(index, 64 << 20), nullptr, /*allow_exceptions=*/false);
    std::set<std::string> shards;
    if (map.is_object() && map.contains("weight_map") && map["weight_map"].is_object()) {
      for (const auto& [name, file] : map["weight_map"].items()) {
        if (file.is_string())
          shards.insert(path + "/" + std::filesystem::path(file.get<std::string>()).filename().string());
      }
    }
    if (shards.empty()) throw DataError(index + ": expected a weight_map of tensors and files, found none");
    return {shards.begin(), shards.end()};
  }
  const std::string open_clip = path + "/open_clip_model.safetensors";
  return {std::filesystem::exists(open_clip) ? open_clip : path + "/model.safetensors"};
}

Tensors read_all(const std::vector<std::string>& files) {
  Tensors tensors;
  for (const std::string& file : files) {
    for (auto& [name, tensor] : read_safetensors(file).tensors) {
      tensors[without_prefix(without_prefix(name, "module."), "text.")] = tensor;
    }
  }
  return tensors;
}

double read_logit_scale(const Tensors& tensors, const std::string& where) {
  const auto found = tensors.find("logit_scale");
  if (found == tensors.end()) return std::log(1 / 0.07);
  const bool is_number = found->second.numel() == 1 && found->second.is_floating_point();
  const double scale = is_number ? found->second.to(torch::kFloat64).item<double>() : std::nan("");
  if (!std::isfinite(scale)) throw DataError(where + ": tensor 'logit_scale': expected one finite number");
  return scale;
}

// Ours -> Hugging Face's. q, k and v are stacked in ours and apart in theirs.
std::vector<std::string> hugging_face_names(const std::string& ours) {
  static const std::map<std::string, std::string> kOuter{
      {"token_embedding.weight", "text_model.embeddings.token_embedding.weight"},
      {"positional_embedding", "text_model.embeddings.position_embedding.weight"},
      {"ln_final.weight", "text_model.final_layer_norm.weight"},
      {"ln_final.bias", "text_model.final_layer_norm.bias"},
      {"text_projection", "text_projection.weight"}};
  static const std::map<std::string, std::string> kInner{{"ln_1", "layer_norm1"},
                                                         {"ln_2", "layer_norm2"},
                                                         {"attn.out_proj", "self_attn.out_proj"},
                                                         {"mlp.c_fc", "mlp.fc1"},
                                                         {"mlp.c_proj", "mlp.fc2"}};
  const std::string blocks = "transformer.resblocks.", stacked = "attn.in_proj_";
  if (!ours.starts_with(blocks)) return {kOuter.at(ours)};
  const size_t dot = ours.find('.', blocks.size());
  const std::string prefix = "text_model.encoder.layers." + ours.substr(blocks.size(), dot - blocks.size()) + ".";
  const std::string rest = ours.substr(dot + 1);
  if (rest.starts_with(stacked)) {
    const std::string kind = rest.substr(stacked.size());  // weight or bias
    return {prefix + "self_attn.q_proj." + kind, prefix + "self_attn.k_proj." + kind,
            prefix + "self_attn.v_proj." + kind};
  }
  const size_t last = rest.rfind('.');
  return {prefix + kInner.at(rest.substr(0, last)) + rest.substr(last)};
}

std::string text_of(const std::vector<int64_t>& shape) {
  std::ostringstream text;
  text << c10::IntArrayRef(shape);
  return text.str();
}

torch::Tensor take(Tensors& tensors, const std::string& name, const std::vector<int64_t>& shape,
                   const std::string& where) {
  const auto found = tensors.find(name);
  if (found == tensors.end()) {
    throw DataError(where + ": expected a tensor '" + name + "' of shape " + text_of(shape) +
                    ", found none: the file belongs to another model");
  }
  const torch::Tensor tensor = found->second;
  if (tensor.sizes() != shape) {
    throw DataError(where + ": tensor '" + name + "' has shape " + text_of(tensor.sizes().vec()) + ", expected " +
                    text_of(shape) + ": the file belongs to another model");
  }
  tensors.erase(found);
  return tensor;
}

// One parameter of ours out of theirs, which are then gone from `tensors`.
torch::Tensor take_from_hugging_face(Tensors& tensors, const std::string& ours, const torch::Tensor& parameter,
                                     const std::string& where) {
  const bool is_transposed = ours == "text_projection";  // theirs is a Linear's weight
  const std::vector<std::string> names = hugging_face_names(ours);
  std::vector<int64_t> shape = (is_transposed ? parameter.t() : parameter).sizes().vec();
  shape[0] /= static_cast<int64_t>(names.size());
  std::vector<torch::Tensor> parts;
  for (const std::string& name : names) parts.push_back(take(tensors, name, shape, where));
  const torch::Tensor tensor = parts.size() == 1 ? parts[0] : torch::cat(parts, 0);
  return is_transposed ? tensor.t() : tensor;
}

Tensors from_hugging_face(Tensors tensors, const TextConfig& config, const std::string& where) {
  Tensors ours;
  TextTransformer shapes(config);
  for (const auto& item : shapes->named_parameters()) {
    ours[item.key()] = take_from_hugging_face(tensors, item.key(), item.value(), where);
  }
  ours.merge(tensors);  // what is left over, which load_state refuses by name
  return ours;
}

}  // namespace

TextWeights read_text_weights(const std::string& path) {
  const std::vector<std::string> files = weight_files(path);
  const std::string directory = std::filesystem::is_directory(path) ? path : "";
  TextWeights weights;
  weights.where = files.size() == 1 ? files[0] : path;
  Tensors tensors = read_all(files);
  weights.logit_scale = read_logit_scale(tensors, weights.where);
  std::erase_if(tensors, [](const auto& item) { return is_passed_over(item.first); });
  weights.config = read_text_config(directory, tensors, weights.where);
  const bool is_hugging_face = std::any_of(tensors.begin(), tensors.end(),
                                           [](const auto& item) { return item.first.starts_with("text_model."); });
  weights.tensors =
      is_hugging_face ? from_hugging_face(std::move(tensors), weights.config, weights.where) : std::move(tensors);
  return weights;
}

}  // namespace permafrost::core
