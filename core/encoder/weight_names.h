// What the tensors of an encoder are called in files: OpenAI's names (OpenCLIP's too) are ours behind a prefix;
// Hugging Face has one set for CLIP and SigLIP, one for DINOv2 and one for ViT.
//
//   const WeightNames names = names_in(file);
//   const StoredWeight stored = names.of("transformer.resblocks.0.attn.in_proj_weight");   // query, key and value
//   torch::Tensor ours = stored.joined({q, k, v});
#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

#include "core/checkpoint/safetensors.h"

namespace permafrost::core {

// How a tensor of ours [a, b, ...] lies in a file.
enum class StoredForm {
  kAsIs,
  kTransposed,    // a Linear's weight: [b, a]
  kRow,           // [1, 1, a]
  kBatchOfOne,    // [1, a, b]
  kLinearPatches  // SigLIP 2's patch embedding [C, 3, p, p] as a Linear over (row, column, colour): [C, p*p*3]
};

struct StoredWeight {
  std::vector<std::string> names;  // one, or those of query, key and value, which ours stacks
  StoredForm form = StoredForm::kAsIs;

  // The tensors that a file has for `ours`, in the order of `names`; views where possible.
  std::vector<torch::Tensor> split(const torch::Tensor& ours) const;
  // The inverse, for tensors of the shapes that split() gives.
  torch::Tensor joined(const std::vector<torch::Tensor>& parts) const;
};

struct NameTable;

struct WeightNames {
  std::string prefix;                // of the vision tower
  const NameTable* table = nullptr;  // null: OpenAI's names
  bool has_linear_patches = false;

  // Throws DataError, naming `where`, for a tensor that files of this naming do not know.
  StoredWeight of(const std::string& ours, const std::string& where) const;
  // Text towers, heads and buffers, which have nothing to do with the frozen encoder.
  bool leaves_aside(const std::string& theirs) const;
};

// By which names the file goes. Throws DataError where there is no image encoder in it.
WeightNames names_in(const SafetensorsFile& file);
// Those that CLIP directories are written with.
WeightNames hugging_face_clip_names();

}  // namespace permafrost::core
