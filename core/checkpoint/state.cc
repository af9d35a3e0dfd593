#include "core/checkpoint/state.h"

#include <torch/types.h>

#include <sstream>

#include "core/base/checksum.h"
#include "core/base/error.h"

namespace permafrost::core {
namespace {

std::string text_of(at::IntArrayRef shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

}  // namespace

void throw_missing(const std::string& where, const std::string& name, at::IntArrayRef expected) {
  throw DataError(where + ": expected a tensor '" + name + "' of shape " + text_of(expected) +
                  ", found none: the file belongs to another model");
}

void throw_left_over(const std::string& where, const std::string& name, at::IntArrayRef found) {
  throw DataError(where + ": tensor '" + name + "' of shape " + text_of(found) +
                  " has no place in the model: the file belongs to another one");
}

void require_fitting(const std::string& where, const std::string& name, at::IntArrayRef expected,
                     const torch::Tensor& found) {
  if (!found.sizes().equals(expected)) {
    throw DataError(where + ": tensor '" + name + "' has shape " + text_of(found.sizes()) + ", expected " +
                    text_of(expected) + ": the file belongs to another model");
  }
  if (!found.is_floating_point() || !torch::isfinite(found).all().item<bool>()) {
    throw DataError(where + ": tensor '" + name + "' holds NaN, infinity or integers, expected finite floats");
  }
}

std::map<std::string, torch::Tensor> state_of(const torch::nn::Module& module) {
  std::map<std::string, torch::Tensor> state;
  for (const auto& item : module.named_parameters()) state.emplace(item.key(), item.value().detach());
  return state;
}

void load_state(torch::nn::Module& module, const std::map<std::string, torch::Tensor>& state,
                const std::string& where) {
  const auto parameters = module.named_parameters();
  for (const auto& item : parameters) {
    const auto found = state.find(item.key());
    if (found == state.end()) throw_missing(where, item.key(), item.value().sizes());
    require_fitting(where, item.key(), item.value().sizes(), found->second);
  }
  for (const auto& [name, tensor] : state) {
    if (!parameters.contains(name)) throw_left_over(where, name, tensor.sizes());
  }
  torch::NoGradGuard no_grad;
  for (const auto& item : parameters) item.value().detach().copy_(state.at(item.key()));
}

std::string sha256_of(const std::map<std::string, torch::Tensor>& tensors) {
  Sha256 sha;
  for (const auto& [name, tensor] : tensors) {
    const torch::Tensor bytes = tensor.detach().to(torch::kCPU).contiguous();
    sha.update(name + " " + c10::toString(bytes.scalar_type()) + " " + text_of(bytes.sizes()) + "\n");
    sha.update(bytes.data_ptr(), bytes.nbytes());
  }
  return sha.hex();
}

}  // namespace permafrost::core
