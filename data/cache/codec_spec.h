// Which codec, and the numbers that decide its shapes.
#pragma once

#include <cstdint>
#include <string>

namespace permafrost::data {

// [N, t, L, C] of one record's features.
struct FeatureShape {
  int64_t layers = 0;  // N, the selected ones
  int64_t frames = 0;  // t = F / alpha
  int64_t tokens = 0;  // L, class token included
  int64_t width = 0;   // C

  int64_t values() const { return layers * frames * tokens * width; }
};

struct CodecSpec {
  std::string name = "f16";
  int64_t outliers = 0;       // k, channels of each layer kept exact; int8, int4, lowrank
  int64_t components_8 = 0;   // of each token, in 8 bits; lowrank
  int64_t components_4 = 0;   // and in 4 bits, even; int4, lowrank
  std::string tables_sha256;  // of the CodecTables; "" where the codec needs none

  // Whether the numbers above and the tables come from CodecFitter.
  bool is_fitted() const { return name == "int8" || is_layered(); }
  // Whether layers are stored as differences.
  bool is_layered() const { return name == "int4" || name == "lowrank"; }

  bool operator==(const CodecSpec&) const = default;
};

}  // namespace permafrost::data
