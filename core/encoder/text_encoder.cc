#include "core/encoder/text_encoder.h"

#include <sstream>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/checkpoint/state.h"
#include "core/encoder/text_weights.h"

namespace permafrost::core {
namespace {

constexpr int64_t kBatch = 64;  // texts of one forward

std::string identity_of(const TextTransformer& transformer) {
  const TextConfig& config = transformer->config;
  std::ostringstream text;
  text << "clip_text heads=" << config.heads << " end=" << config.end_id
       << " activation=" << (config.activation == Activation::kQuickGelu ? "quick_gelu" : "gelu")
       << " epsilon=" << config.layer_norm_epsilon << " weights=" << sha256_of(state_of(*transformer));
  return sha256_hex(text.str());
}

void require_known_ids(const torch::Tensor& ids, const TextConfig& config) {
  if (ids.size(1) > config.context) {
    throw DataError("text of " + std::to_string(ids.size(1)) + " tokens: the text encoder takes at most " +
                    std::to_string(config.context));
  }
  if (ids.numel() == 0 || (ids.min().item<int64_t>() >= 0 && ids.max().item<int64_t>() < config.vocabulary)) return;
  throw DataError("token " + std::to_string(ids.max().item<int64_t>()) + ": the text encoder knows " +
                  std::to_string(config.vocabulary) + " tokens: give the vocabulary that it was trained with");
}

}  // namespace

BlockConfig TextConfig::block() const { return {width, heads, mlp_width, activation, layer_norm_epsilon, true}; }

TextTransformerImpl::TextTransformerImpl(const TextConfig& config) : config(config) {
  token_embedding = register_group(*this, "token_embedding")
                        ->register_parameter("weight", torch::empty({config.vocabulary, config.width}));
  positional_embedding = register_parameter("positional_embedding", torch::empty({config.context, config.width}));
  text_projection = register_parameter("text_projection", torch::empty({config.width, config.embedding}));
  blocks = register_list(*register_group(*this, "transformer"), "resblocks", config.layers,
                         [&] { return ResidualBlock(config.block()); });
  ln_final = register_module("ln_final", LayerNorm(config.width, config.layer_norm_epsilon));
}

torch::Tensor TextTransformerImpl::forward(const torch::Tensor& ids) {
  torch::Tensor x =
      torch::embedding(token_embedding, ids) + positional_embedding.slice(0, 0, ids.size(1));  // [K, l, C]
  for (ResidualBlock& block : blocks) x = block(x);
  const torch::Tensor position =
      config.end_id < 0 ? ids.argmax(1) : ids.eq(config.end_id).to(torch::kInt32).argmax(1);    // [K]
  const torch::Tensor pooled = x.index({torch::arange(ids.size(0), ids.options()), position});  // [K, C]
  return torch::matmul(ln_final(pooled), text_projection);                                      // [K, e]
}

TextEncoder::TextEncoder(const std::string& path) {
  const TextWeights weights = read_text_weights(path);
  transformer_ = TextTransformer(weights.config);
  load_state(*transformer_, weights.tensors, weights.where);
  for (torch::Tensor& parameter : transformer_->parameters()) parameter.requires_grad_(false);
  logit_scale_ = weights.logit_scale;
  sha256_ = identity_of(transformer_);
}

torch::Tensor TextEncoder::encode(const torch::Tensor& ids) {
  require_known_ids(ids, config());
  const c10::InferenceMode inference;
  std::vector<torch::Tensor> embeddings;
  for (const torch::Tensor& part : ids.split(kBatch)) embeddings.push_back(transformer_->forward(part));
  return torch::cat(embeddings);
}

}  // namespace permafrost::core
