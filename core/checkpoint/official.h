// Weights under the names of the released DiST code, in and out.
//
//   OfficialWeights weights = read_official("K400_B16.safetensors");
//   DistNet net(geometry_of(weights.dist_net, 224, weights.path));
//   load_state(*net, weights.dist_net, weights.path);
//
// The released files are pickles, which this program never opens; README.md has the line that converts one. Accepted
// are `dist_net.*` and its older name `ladder_net.*`, behind any of `model_state.`, `state_dict.`, `model.`, `module.`.
#pragma once

#include <torch/types.h>

#include <map>
#include <string>
#include <vector>

namespace permafrost::core {

struct OfficialWeights {
  std::string path;
  std::map<std::string, torch::Tensor> dist_net;  // float32, by names below dist_net
  std::vector<std::string> left_over;             // every other name in the file, sorted
};

// Throws DataError where the file has no DiST weights, or one of them twice.
OfficialWeights read_official(const std::string& path);

// Writes `dist_net.NAME` for every tensor of `dist_net`, nothing else.
void write_official(const std::string& path, const std::map<std::string, torch::Tensor>& dist_net);

}  // namespace permafrost::core
