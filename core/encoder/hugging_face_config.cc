// Hugging Face's config.json, one function per family; defaults as in transformers' configuration classes.
#include <cmath>
#include <filesystem>

#include "core/base/file.h"
#include "core/encoder/config_fields.h"
#include "core/encoder/encoder_config.h"

namespace permafrost::core {
namespace {

// The fields that all families share, with one set of defaults: those of a base model with 16-pixel patches.
VisionConfig shared_fields(const ConfigFields& config, const char* activation, double epsilon) {
  VisionConfig vision;
  vision.image_size = config.value<int64_t>("image_size", 224);
  vision.patch_size = config.value<int64_t>("patch_size", 16);
  vision.width = config.value<int64_t>("hidden_size", 768);
  vision.layers = config.value<int64_t>("num_hidden_layers", 12);
  vision.heads = config.value<int64_t>("num_attention_heads", 12);
  vision.activation = activation_named(config.value<std::string>("hidden_act", activation), config.path());
  vision.layer_norm_epsilon = config.value("layer_norm_eps", epsilon);
  if (config.value<int64_t>("num_channels", 3) != 3) {
    throw DataError(config.path() + ": num_channels is " + config.json().at("num_channels").dump() + ", expected 3");
  }
  return vision;
}

// `whole` is the model that has this tower, or the tower itself.
EncoderDescription clip(const ConfigFields& whole, const ConfigFields& config) {
  if (!config.has("model_type")) {  // the oldest files: nothing may be guessed
    for (const char* name : {"image_size", "patch_size", "hidden_size", "num_hidden_layers", "num_attention_heads",
                             "intermediate_size", "projection_dim", "hidden_act"}) {
      config.need<nlohmann::json>(name);
    }
  }
  VisionConfig vision = shared_fields(config, "quick_gelu", 1e-5);
  if (!config.has("patch_size")) vision.patch_size = 32;  // transformers' default is B/32
  vision.mlp_width = config.value<int64_t>("intermediate_size", 3072);
  vision.embedding = whole.value<int64_t>("projection_dim", config.value<int64_t>("projection_dim", 512));
  vision.has_projection = whole.value<nlohmann::json>("architectures", {}) != nlohmann::json{"CLIPVisionModel"};
  if (!vision.has_projection) vision.embedding = vision.width;
  return {vision, PositionResize::kBicubic};
}

// What DINOv2, SigLIP and ViT have in common against CLIP.
VisionConfig without_clips_ends(VisionConfig vision) {
  vision.has_patch_bias = true;
  vision.has_pre_norm = false;
  vision.has_projection = false;
  vision.embedding = vision.width;
  return vision;
}

EncoderDescription siglip(const ConfigFields& config, bool is_second) {
  VisionConfig vision = without_clips_ends(shared_fields(config, "gelu_pytorch_tanh", 1e-6));
  vision.mlp_width = config.value<int64_t>("intermediate_size", 3072);
  vision.has_class_token = false;
  vision.has_attention_pool = true;
  vision.pixels = kSymmetricPixels;
  if (!config.value("vision_use_head", true)) {
    throw DataError(config.path() + ": vision_use_head is false, expected an encoder with its pooling head");
  }
  if (!is_second) return {vision, PositionResize::kBicubic};
  const int64_t patches = config.value<int64_t>("num_patches", 256);
  const int64_t side = std::llround(std::sqrt(static_cast<double>(patches)));
  if (side * side != patches) {
    throw DataError(config.path() + ": num_patches is " + std::to_string(patches) + ", expected a square");
  }
  vision.image_size = side * vision.patch_size;
  return {vision, PositionResize::kBilinearAntialias};
}

EncoderDescription dinov2(const ConfigFields& config, bool has_registers) {
  VisionConfig vision = without_clips_ends(shared_fields(config, "gelu", 1e-6));
  if (!config.has("patch_size")) vision.patch_size = has_registers ? 16 : 14;
  vision.mlp_width = static_cast<int64_t>(static_cast<double>(vision.width) * config.value("mlp_ratio", 4.0));
  vision.registers = has_registers ? config.value<int64_t>("num_register_tokens", 4) : 0;
  vision.has_layer_scale = true;
  vision.has_qkv_bias = config.value("qkv_bias", true);
  vision.has_gated_mlp = config.value("use_swiglu_ffn", false);
  if (vision.has_gated_mlp) {  // two thirds, rounded up to a multiple of 8
    vision.mlp_width = (static_cast<int64_t>(static_cast<double>(vision.mlp_width) * 2 / 3) + 7) / 8 * 8;
  }
  vision.pixels = kImageNetPixels;
  return {vision, has_registers ? PositionResize::kBicubicAntialias : PositionResize::kBicubic};
}

EncoderDescription vit(const ConfigFields& config) {
  VisionConfig vision = without_clips_ends(shared_fields(config, "gelu", 1e-12));
  vision.mlp_width = config.value<int64_t>("intermediate_size", 3072);
  vision.has_qkv_bias = config.value("qkv_bias", true);
  vision.pixels = kSymmetricPixels;
  return {vision, PositionResize::kBicubic};
}

EncoderDescription describe(const ConfigFields& whole) {
  const std::string type = whole.text("model_type");
  if (type == "clip" || (type.empty() && whole.has("vision_config"))) return clip(whole, whole.object("vision_config"));
  if (type == "siglip" || type == "siglip2") return siglip(whole.object("vision_config"), type == "siglip2");
  if (type == "clip_vision_model" || type.empty()) return clip(whole, whole);
  if (type == "siglip_vision_model" || type == "siglip2_vision_model")
    return siglip(whole, type == "siglip2_vision_model");
  if (type == "dinov2" || type == "dinov2_with_registers") return dinov2(whole, type != "dinov2");
  if (type == "vit") return vit(whole);
  throw DataError(whole.path() + ": model_type is '" + type +
                  "', expected clip, clip_vision_model, siglip, siglip_vision_model, siglip2, siglip2_vision_model, "
                  "dinov2, dinov2_with_registers or vit: give an image encoder of one of these");
}

PixelNormalisation preprocessor_pixels(const std::string& path, const PixelNormalisation& otherwise) {
  if (!std::filesystem::exists(path)) return otherwise;
  const ConfigFields config = read_config_fields(path);
  PixelNormalisation pixels;
  pixels.mean = config.value("image_mean", otherwise.mean);
  pixels.deviation = config.value("image_std", otherwise.deviation);
  for (const double deviation : pixels.deviation) {
    if (!(deviation > 0)) throw DataError(path + ": image_std holds " + std::to_string(deviation) + ", expected > 0");
  }
  return pixels;
}

}  // namespace

ConfigFields read_config_fields(const std::string& path) {
  return {nlohmann::json::parse(read_text(path, 1 << 20), nullptr, /*allow_exceptions=*/false), path};
}

Activation activation_named(const std::string& name, const std::string& where) {
  for (const Activation activation : {Activation::kQuickGelu, Activation::kGelu, Activation::kGeluTanh}) {
    if (name == name_of(activation)) return activation;
  }
  throw DataError(where + ": the activation is '" + name + "', expected quick_gelu, gelu or gelu_pytorch_tanh");
}

EncoderDescription describe_hugging_face(const std::string& config_path) {
  EncoderDescription description = describe(read_config_fields(config_path));
  const std::filesystem::path beside = std::filesystem::path(config_path).parent_path() / "preprocessor_config.json";
  description.vision.pixels = preprocessor_pixels(beside.string(), description.vision.pixels);
  require_sound(description.vision, config_path);
  return description;
}

}  // namespace permafrost::core
