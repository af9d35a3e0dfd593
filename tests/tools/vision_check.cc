#include "tests/tools/vision_check.h"

#include <algorithm>
#include <filesystem>

#include "core/checkpoint/safetensors.h"
#include "core/encoder/encoder_weights.h"
#include "tests/core/golden.h"

namespace permafrost::testing {
namespace {

using core::SafetensorsFile;
using core::VisionTransformer;

// A reference's [M, T, C] without what we leave out, and ours [M, L, C] without what we add.
double layer_error(const torch::Tensor& ours, const torch::Tensor& theirs, const core::VisionConfig& config) {
  if (!config.has_class_token) return relative_error(ours.slice(1, 1), theirs);
  const torch::Tensor patches = theirs.slice(1, 1 + config.registers);
  return relative_error(ours, torch::cat({theirs.slice(1, 0, 1), patches}, 1));
}

double worst_layer_error(VisionTransformer& encoder, const SafetensorsFile& expected, const std::string& beginning) {
  const torch::Tensor pixels = expected.at(beginning + "input.pixel_values");
  const std::vector<torch::Tensor> layers = encoder->forward(pixels);
  const std::string states = beginning + "hidden_states.";
  double worst = relative_error(encoder->stem(pixels), expected.at(states + "0"));
  for (size_t i = 0; i < layers.size(); ++i) {
    worst = worse(worst, layer_error(layers[i], expected.at(states + std::to_string(i + 1)), encoder->config));
  }
  return worst;
}

void add_errors(const std::string& weights, const SafetensorsFile& expected, const std::string& beginning,
                const std::string& label, std::map<std::string, double>& errors) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels = expected.at(beginning + "input.pixel_values");
  VisionTransformer encoder = core::load_encoder(weights, {.image_size = pixels.size(-1)});
  errors[label + beginning + "hidden_states"] = worst_layer_error(encoder, expected, beginning);
  const std::string embeds = beginning + "output.image_embeds", pooled = beginning + "output.pooler_output";
  errors[label + beginning + "image_embeds"] = relative_error(encoder->embed(encoder->forward(pixels).back()),
                                                              expected.at(expected.has(pooled) ? pooled : embeds));
}

}  // namespace

std::map<std::string, double> vision_errors(const std::string& directory) {
  const SafetensorsFile expected = core::read_safetensors(directory + "/expected.safetensors");
  const std::string openai = directory + "/openai_names.safetensors";
  std::map<std::string, double> errors;
  for (const std::string beginning : {"", "other_size."}) {
    if (!expected.has(beginning + "input.pixel_values") && !beginning.empty()) continue;
    add_errors(directory, expected, beginning, "", errors);
    if (std::filesystem::exists(openai)) add_errors(openai, expected, beginning, "openai_names.", errors);
  }
  return errors;
}

}  // namespace permafrost::testing
