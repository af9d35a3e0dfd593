// OpenCLIP's config, and what the shapes of a bare file say.
#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>

#include "core/encoder/config_fields.h"
#include "core/encoder/encoder_config.h"

namespace permafrost::core {
namespace {

// Fields of vision_cfg that this program knows, or that change nothing at inference.
constexpr std::array kKnownFields{"image_size", "layers",         "width",        "patch_size",  "head_width",
                                  "mlp_ratio",  "ls_init_value",  "no_ln_pre",    "norm_kwargs", "patch_dropout",
                                  "pool_type",  "pos_embed_type", "output_tokens"};

bool is_off(const nlohmann::json& value) {
  return value.is_null() || value == false || value == 0 || value == "" || value == "none";
}

void require_plain_vit(const ConfigFields& vision) {
  for (const auto& [name, value] : vision.json().items()) {
    const bool is_known = std::find(kKnownFields.begin(), kKnownFields.end(), name) != kKnownFields.end();
    if (is_known || is_off(value)) continue;
    throw DataError(vision.path() + ": vision_cfg has " + name + " = " + value.dump() + ", expected a plain ViT");
  }
  const auto demand = [&](const char* name, const char* expected) {
    const std::string found = vision.value<std::string>(name, expected);
    if (found == expected) return;
    throw DataError(vision.path() + ": vision_cfg." + name + " is '" + found + "', expected '" + expected + "'");
  };
  demand("pool_type", "tok");
  demand("pos_embed_type", "learnable");
}

// One more than the highest number behind `blocks`.
int64_t count_blocks(const SafetensorsFile& weights, const std::string& blocks) {
  int64_t count = 0;
  for (const auto& [name, tensor] : weights.tensors) {
    int64_t number = -1;
    if (name.starts_with(blocks)) std::from_chars(name.data() + blocks.size(), name.data() + name.size(), number);
    count = std::max(count, number + 1);
  }
  return count;
}

int64_t usual_head_width(int64_t width) { return width == 1280 ? 80 : width == 1408 ? 88 : width == 1664 ? 104 : 64; }

}  // namespace

EncoderDescription describe_open_clip(const std::string& config_path) {
  const ConfigFields whole = read_config_fields(config_path);
  const ConfigFields model = whole.object("model_cfg");
  const ConfigFields config = model.object("vision_cfg");
  require_plain_vit(config);
  VisionConfig vision;
  vision.image_size = config.value<int64_t>("image_size", 224);
  vision.patch_size = config.value<int64_t>("patch_size", 16);
  vision.width = config.value<int64_t>("width", 768);
  vision.layers = config.value<int64_t>("layers", 12);
  vision.heads = vision.width / std::max<int64_t>(1, config.value<int64_t>("head_width", 64));
  vision.mlp_width = static_cast<int64_t>(static_cast<double>(vision.width) * config.value("mlp_ratio", 4.0));
  vision.embedding = model.need<int64_t>("embed_dim");
  vision.activation = model.value("quick_gelu", false) ? Activation::kQuickGelu : Activation::kGelu;
  vision.has_pre_norm = !config.value("no_ln_pre", false);
  vision.has_layer_scale = config.has("ls_init_value");
  if (config.has("norm_kwargs")) vision.layer_norm_epsilon = config.object("norm_kwargs").value("eps", 1e-5);
  if (whole.has("preprocess_cfg")) {
    const ConfigFields preprocess = whole.object("preprocess_cfg");
    vision.pixels.mean = preprocess.value("mean", vision.pixels.mean);
    vision.pixels.deviation = preprocess.value("std", vision.pixels.deviation);
  }
  require_sound(vision, config_path);
  return {vision, PositionResize::kBicubic};
}

EncoderDescription describe_by_shapes(const SafetensorsFile& weights, const std::string& prefix) {
  const auto size = [&](const std::string& name, int64_t dimension) {
    const torch::Tensor& tensor = weights.at(prefix + name);
    if (dimension < tensor.dim()) return tensor.size(dimension);
    throw DataError(weights.path + ": tensor '" + prefix + name + "' has " + std::to_string(tensor.dim()) +
                    " dimensions, expected at least " + std::to_string(dimension + 1));
  };
  const std::string blocks = "transformer.resblocks.";
  VisionConfig vision;
  vision.width = size("conv1.weight", 0);
  vision.patch_size = size("conv1.weight", 3);
  const int64_t patches = size("positional_embedding", 0) - 1;
  const int64_t grid = std::llround(std::sqrt(static_cast<double>(std::max<int64_t>(patches, 0))));
  if (patches < 1 || grid * grid != patches) {
    throw DataError(weights.path + ": tensor '" + prefix + "positional_embedding' has " + std::to_string(patches + 1) +
                    " rows, expected 1 and a square");
  }
  vision.image_size = grid * vision.patch_size;
  vision.layers = count_blocks(weights, prefix + blocks);
  vision.heads = std::max<int64_t>(1, vision.width / usual_head_width(vision.width));
  vision.mlp_width = size(blocks + "0.mlp.c_fc.weight", 0);
  vision.embedding = size("proj", 1);
  vision.has_layer_scale = weights.has(prefix + blocks + "0.ls_1.gamma");
  require_sound(vision, weights.path);
  return {vision, PositionResize::kBicubic};
}

}  // namespace permafrost::core
