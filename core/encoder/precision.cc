#include "core/encoder/precision.h"

#include <array>

#include "core/base/error.h"

namespace permafrost::core {
namespace {

struct Precision {
  const char* name;
  torch::ScalarType type;
};
constexpr std::array<Precision, 3> kPrecisions{
    {{"fp32", torch::kFloat32}, {"bf16", torch::kBFloat16}, {"fp16", torch::kFloat16}}};

}  // namespace

torch::ScalarType precision_named(const std::string& name) {
  for (const Precision& precision : kPrecisions) {
    if (name == precision.name) return precision.type;
  }
  throw ConfigError("the precision is '" + name + "', expected fp32, bf16 or fp16");
}

std::string precision_name(torch::ScalarType type) {
  for (const Precision& precision : kPrecisions) {
    if (type == precision.type) return precision.name;
  }
  throw ConfigError(std::string("a network cannot compute in ") + c10::toString(type) + ", expected float32 or a half");
}

}  // namespace permafrost::core
