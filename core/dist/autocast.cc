#include "core/dist/autocast.h"

#include <ATen/autocast_mode.h>

namespace permafrost::core {

Autocast::Autocast(torch::DeviceType device, torch::ScalarType type)
    : device_(device),
      was_enabled_(at::autocast::is_autocast_enabled(device)),
      previous_type_(at::autocast::get_autocast_dtype(device)) {
  at::autocast::increment_nesting();
  at::autocast::set_autocast_enabled(device, type != torch::kFloat32);
  if (type != torch::kFloat32) at::autocast::set_autocast_dtype(device, type);
}

Autocast::~Autocast() {
  if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();  // narrowed copies of the weights
  at::autocast::set_autocast_enabled(device_, was_enabled_);
  at::autocast::set_autocast_dtype(device_, previous_type_);
}

torch::ScalarType compute_type(torch::DeviceType device) {
  return at::autocast::is_autocast_enabled(device) ? at::autocast::get_autocast_dtype(device) : torch::kFloat32;
}

}  // namespace permafrost::core
