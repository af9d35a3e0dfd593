// The named tensors of a module, out and in.
//
//   std::map<std::string, torch::Tensor> state = state_of(*net);
//   load_state(*net, state, "checkpoints/latest/model.safetensors");
#pragma once

#include <torch/nn/module.h>

#include <map>
#include <string>

namespace permafrost::core {

// Parameters by name, detached, sharing memory with the module.
std::map<std::string, torch::Tensor> state_of(const torch::nn::Module& module);

// Copies every tensor into the parameter of its name. Throws DataError, naming `where`, the tensor, the expected and
// the found shape, where one is missing, left over, misshapen, or not finite; the module is then unchanged.
void load_state(torch::nn::Module& module, const std::map<std::string, torch::Tensor>& state, const std::string& where);

// The faults of a tensor, as DataError: not there, without a place, of another shape, or not all finite floats.
[[noreturn]] void throw_missing(const std::string& where, const std::string& name, at::IntArrayRef expected);
[[noreturn]] void throw_left_over(const std::string& where, const std::string& name, at::IntArrayRef found);
void require_fitting(const std::string& where, const std::string& name, at::IntArrayRef expected,
                     const torch::Tensor& found);

// SHA-256 over names, types, shapes and bytes in name order: equal weights, equal digest.
std::string sha256_of(const std::map<std::string, torch::Tensor>& tensors);

}  // namespace permafrost::core
