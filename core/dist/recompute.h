// Trades time for memory: a part of a network that keeps only what enters it, and runs once more when backward comes.
//
//   const std::vector<torch::Tensor> out = recomputed({x, r}, [&](const auto& in) { return layer(in[0], in[1]); });
//
// Gradients reach what entered and the part's parameters as they always do, and are the same bits where the part gives
// the same bits twice. Autocast is in the second run as it was in the first.
#pragma once

#include <torch/types.h>

#include <functional>
#include <vector>

namespace permafrost::core {

using Part = std::function<std::vector<torch::Tensor>(const std::vector<torch::Tensor>&)>;

// `inputs`: what a gradient may flow to; the first of them requires one. What the part captures must live until
// backward.
std::vector<torch::Tensor> recomputed(const std::vector<torch::Tensor>& inputs, const Part& part);

}  // namespace permafrost::core
