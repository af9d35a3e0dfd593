#include "launch/training/initial_weights.h"

#include <filesystem>

#include "core/checkpoint/official.h"
#include "core/checkpoint/state.h"
#include "launch/training/trained_model.h"

namespace permafrost::launch {

void load_initial_weights(core::DistNet& network, const std::string& from) {
  if (std::filesystem::is_directory(from)) {
    core::load_state(*network, core::state_of(*load_model(from, "newest", torch::kCPU).classifier->dist_net), from);
  } else {
    core::load_state(*network, core::read_official(from).dist_net, from);
  }
}

}  // namespace permafrost::launch
