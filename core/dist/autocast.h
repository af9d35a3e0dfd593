// Runs the matrix products and convolutions of a scope in a narrower type, the weights staying as they are.
//
//   {
//     const Autocast autocast(torch::kCPU, torch::kBFloat16);
//     logits = classifier->forward(pixels, features);   // gradients arrive in the weights' own float32
//   }
#pragma once

#include <c10/core/impl/LocalDispatchKeySet.h>
#include <torch/types.h>

namespace permafrost::core {

class Autocast {
 public:
  // torch::kFloat32 switches autocast off: everything is computed in the types that it has.
  Autocast(torch::DeviceType device, torch::ScalarType type);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  torch::DeviceType device_;
  bool was_enabled_;
  torch::ScalarType previous_type_;
};

// Outside autocast while it lives, so that every operator takes its tensors as they are: for nodes of autograd that
// choose their types themselves.
using WithoutAutocast = c10::impl::ExcludeDispatchKeyGuard;
inline WithoutAutocast without_autocast() { return WithoutAutocast(c10::autocast_dispatch_keyset); }

// The type that autocast would compute in now: float32 where it is off.
torch::ScalarType compute_type(torch::DeviceType device);

}  // namespace permafrost::core
