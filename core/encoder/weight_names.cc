#include "core/encoder/weight_names.h"

#include <algorithm>
#include <cmath>
#include <optional>

#include "core/base/error.h"
#include "core/encoder/weight_name_tables.h"

namespace permafrost::core {
namespace {

const std::string kBlocks = "transformer.resblocks.";

bool has_any(const SafetensorsFile& file, const std::string& beginning) {
  const auto found = file.tensors.lower_bound(beginning);
  return found != file.tensors.end() && found->first.starts_with(beginning);
}

// The first of `prefixes` with which a name continues as `rest`.
std::optional<std::string> prefix_before(const SafetensorsFile& file, const std::vector<std::string>& prefixes,
                                         const std::string& rest) {
  for (const std::string& prefix : prefixes) {
    if (has_any(file, prefix + rest)) return prefix;
  }
  return std::nullopt;
}

bool has_linear_patches(const SafetensorsFile& file, const std::string& prefix) {
  const auto found = file.tensors.find(prefix + "embeddings.patch_embedding.weight");
  return found != file.tensors.end() && found->second.dim() == 2;
}

// ViT's, DINOv2's or its giant's, by the modules of the first block.
const NameTable& bert_like_table(const SafetensorsFile& file, const std::string& block) {
  if (has_any(file, block + "layernorm_") || has_any(file, block + "intermediate.")) return vit_name_table();
  return has_any(file, block + "mlp.weights_") ? dinov2_gated_name_table() : dinov2_name_table();
}

// "mlp.c_fc.weight" by a table that has "mlp.c_fc", or the whole name.
std::string renamed(const std::map<std::string, std::string>& names, const std::string& ours) {
  if (const auto whole = names.find(ours); whole != names.end()) return whole->second;
  const size_t dot = ours.rfind('.');
  const auto found = names.find(ours.substr(0, dot));
  return found == names.end() ? "" : found->second + ours.substr(dot);
}

std::vector<std::string> names_in_block(const NameTable& table, const std::string& prefix, const std::string& ours) {
  const std::string stacked = "attn.in_proj_";
  if (ours.starts_with(stacked)) {
    const std::string kind = "." + ours.substr(stacked.size());  // weight or bias
    return {prefix + table.query + kind, prefix + table.key + kind, prefix + table.value + kind};
  }
  const std::string theirs = renamed(table.block, ours);
  return theirs.empty() ? std::vector<std::string>{} : std::vector<std::string>{prefix + theirs};
}

StoredWeight stored_by(const NameTable& table, const std::string& prefix, const std::string& ours) {
  if (ours.starts_with(kBlocks)) {
    const size_t dot = ours.find('.', kBlocks.size());
    const std::string number = ours.substr(kBlocks.size(), dot - kBlocks.size());
    return {names_in_block(table, prefix + table.layers + number + ".", ours.substr(dot + 1)), StoredForm::kAsIs};
  }
  const auto found = table.outer.find(ours);
  if (found == table.outer.end()) return {};
  const StoredName& theirs = found->second;
  return {{theirs.is_outside ? theirs.name : prefix + theirs.name}, theirs.form};
}

}  // namespace

std::vector<torch::Tensor> StoredWeight::split(const torch::Tensor& ours) const {
  const auto stored = [&](const torch::Tensor& part) -> torch::Tensor {
    switch (form) {
      case StoredForm::kAsIs:
        return part;
      case StoredForm::kTransposed:
        return part.t();
      case StoredForm::kRow:
        return part.view({1, 1, -1});
      case StoredForm::kBatchOfOne:
        return part.unsqueeze(0);
      case StoredForm::kLinearPatches:
        return part.permute({0, 2, 3, 1}).flatten(1);
    }
    return {};
  };
  std::vector<torch::Tensor> parts = ours.chunk(static_cast<int64_t>(names.size()), 0);
  for (torch::Tensor& part : parts) part = stored(part);
  return parts;
}

torch::Tensor StoredWeight::joined(const std::vector<torch::Tensor>& parts) const {
  const torch::Tensor theirs = parts.size() == 1 ? parts[0] : torch::cat(parts, 0);
  switch (form) {
    case StoredForm::kAsIs:
      return theirs;
    case StoredForm::kTransposed:
      return theirs.t();
    case StoredForm::kRow:
      return theirs.flatten();
    case StoredForm::kBatchOfOne:
      return theirs.squeeze(0);
    case StoredForm::kLinearPatches: {
      const auto side = static_cast<int64_t>(std::sqrt(static_cast<double>(theirs.size(1)) / 3) + 0.5);
      return theirs.view({-1, side, side, 3}).permute({0, 3, 1, 2});
    }
  }
  return {};
}

StoredWeight WeightNames::of(const std::string& ours, const std::string& where) const {
  if (table == nullptr) return {{prefix + ours}, StoredForm::kAsIs};
  StoredWeight stored = stored_by(*table, prefix, ours);
  if (stored.names.empty()) {
    throw DataError(where + ": expected a tensor for '" + ours + "', which files with names such as '" + prefix +
                    table->layers + "0' do not have: config and weights belong to different models");
  }
  if (has_linear_patches && ours == "conv1.weight") stored.form = StoredForm::kLinearPatches;
  return stored;
}

bool WeightNames::leaves_aside(const std::string& theirs) const {
  const auto begins = [&](const std::string& beginning) { return theirs.starts_with(beginning); };
  if (table != nullptr) {
    return std::any_of(table->aside.begin(), table->aside.end(), begins) ||
           std::any_of(table->aside_within.begin(), table->aside_within.end(),
                       [&](const std::string& name) { return begins(prefix + name); });
  }
  const std::vector<std::string>& aside = openai_names_aside();
  return !prefix.empty() && std::any_of(aside.begin(), aside.end(), begins);
}

WeightNames hugging_face_clip_names() { return {"vision_model.", &clip_name_table(), false}; }

WeightNames names_in(const SafetensorsFile& file) {
  if (const auto prefix = prefix_before(file, {"visual.", ""}, kBlocks)) return {*prefix};
  if (const auto prefix = prefix_before(file, {"vision_model.", ""}, "encoder.layers.")) {
    return {*prefix, &clip_name_table(), has_linear_patches(file, *prefix)};
  }
  if (const auto prefix = prefix_before(file, {"", "dinov2.", "dinov2_with_registers.", "vit."}, "encoder.layer.")) {
    return {*prefix, &bert_like_table(file, *prefix + "encoder.layer.0."), false};
  }
  throw DataError(file.path +
                  ": no image encoder in it, expected tensors named visual.transformer.resblocks.*, "
                  "vision_model.encoder.layers.* or encoder.layer.*: give CLIP's, SigLIP's, DINOv2's or ViT's weights");
}

}  // namespace permafrost::core
