// The types a network may compute in, by the names that options use.
#pragma once

#include <torch/types.h>

#include <string>

namespace permafrost::core {

// "fp32", "bf16", "fp16". Throws ConfigError for another name.
torch::ScalarType precision_named(const std::string& name);
// The reverse; throws ConfigError for another type.
std::string precision_name(torch::ScalarType type);

}  // namespace permafrost::core
