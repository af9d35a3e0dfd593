#include "core/encoder/weight_name_tables.h"

namespace permafrost::core {
namespace {

// What DINOv2 and ViT share.
std::map<std::string, StoredName> bert_like_outer_names() {
  return {{"class_embedding", {"embeddings.cls_token", StoredForm::kRow}},
          {"register_tokens", {"embeddings.register_tokens", StoredForm::kBatchOfOne}},
          {"positional_embedding", {"embeddings.position_embeddings", StoredForm::kBatchOfOne}},
          {"conv1.weight", {"embeddings.patch_embeddings.projection.weight"}},
          {"conv1.bias", {"embeddings.patch_embeddings.projection.bias"}},
          {"ln_post.weight", {"layernorm.weight"}},
          {"ln_post.bias", {"layernorm.bias"}}};
}

}  // namespace

const NameTable& clip_name_table() {
  static const NameTable kTable{
      .layers = "encoder.layers.",
      .query = "self_attn.q_proj",
      .key = "self_attn.k_proj",
      .value = "self_attn.v_proj",
      .block = {{"ln_1", "layer_norm1"},
                {"ln_2", "layer_norm2"},
                {"attn.out_proj", "self_attn.out_proj"},
                {"mlp.c_fc", "mlp.fc1"},
                {"mlp.c_proj", "mlp.fc2"}},
      .outer = {{"class_embedding", {"embeddings.class_embedding"}},
                {"conv1.weight", {"embeddings.patch_embedding.weight"}},
                {"conv1.bias", {"embeddings.patch_embedding.bias"}},
                {"positional_embedding", {"embeddings.position_embedding.weight"}},
                {"ln_pre.weight", {"pre_layrnorm.weight"}},  // their spelling
                {"ln_pre.bias", {"pre_layrnorm.bias"}},
                {"ln_post.weight", {"post_layernorm.weight"}},
                {"ln_post.bias", {"post_layernorm.bias"}},
                {"proj", {"visual_projection.weight", StoredForm::kTransposed, /*is_outside=*/true}},
                {"attention_pool.probe", {"head.probe", StoredForm::kRow}},
                {"attention_pool.attn.in_proj_weight", {"head.attention.in_proj_weight"}},
                {"attention_pool.attn.in_proj_bias", {"head.attention.in_proj_bias"}},
                {"attention_pool.attn.out_proj.weight", {"head.attention.out_proj.weight"}},
                {"attention_pool.attn.out_proj.bias", {"head.attention.out_proj.bias"}},
                {"attention_pool.ln.weight", {"head.layernorm.weight"}},
                {"attention_pool.ln.bias", {"head.layernorm.bias"}},
                {"attention_pool.mlp.c_fc.weight", {"head.mlp.fc1.weight"}},
                {"attention_pool.mlp.c_fc.bias", {"head.mlp.fc1.bias"}},
                {"attention_pool.mlp.c_proj.weight", {"head.mlp.fc2.weight"}},
                {"attention_pool.mlp.c_proj.bias", {"head.mlp.fc2.bias"}}},
      .aside = {"text_model.", "text_projection.", "logit_scale", "logit_bias", "classifier."},
      .aside_within = {"embeddings.position_ids"}};
  return kTable;
}

const NameTable& dinov2_name_table() {
  static const NameTable kPlain{.layers = "encoder.layer.",
                                .query = "attention.attention.query",
                                .key = "attention.attention.key",
                                .value = "attention.attention.value",
                                .block = {{"ln_1", "norm1"},
                                          {"ln_2", "norm2"},
                                          {"attn.out_proj", "attention.output.dense"},
                                          {"ls_1.gamma", "layer_scale1.lambda1"},
                                          {"ls_2.gamma", "layer_scale2.lambda1"},
                                          {"mlp.c_fc", "mlp.fc1"},
                                          {"mlp.c_proj", "mlp.fc2"}},
                                .outer = bert_like_outer_names(),
                                .aside = {"classifier."},
                                .aside_within = {"embeddings.mask_token"}};
  return kPlain;
}

const NameTable& dinov2_gated_name_table() {
  static const NameTable kGated = [] {
    NameTable table = dinov2_name_table();
    table.block["mlp.c_fc"] = "mlp.weights_in";
    table.block["mlp.c_proj"] = "mlp.weights_out";
    return table;
  }();
  return kGated;
}

const NameTable& vit_name_table() {
  static const NameTable kTable{.layers = "encoder.layer.",
                                .query = "attention.attention.query",
                                .key = "attention.attention.key",
                                .value = "attention.attention.value",
                                .block = {{"ln_1", "layernorm_before"},
                                          {"ln_2", "layernorm_after"},
                                          {"attn.out_proj", "attention.output.dense"},
                                          {"mlp.c_fc", "intermediate.dense"},
                                          {"mlp.c_proj", "output.dense"}},
                                .outer = bert_like_outer_names(),
                                .aside = {"classifier."},
                                .aside_within = {"embeddings.mask_token", "pooler."}};
  return kTable;
}

const std::vector<std::string>& openai_names_aside() {
  static const std::vector<std::string> kNames{
      "transformer.",     "token_embedding.", "positional_embedding", "ln_final.",
      "text_projection",  "logit_scale",      "logit_bias",           "text.",
      "input_resolution", "context_length",   "vocab_size",           "attn_mask"};
  return kNames;
}

}  // namespace permafrost::core
