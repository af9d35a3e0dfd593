// Encoders' arguments that several tests of videos use.
#pragma once

#include <cstdint>
#include <numeric>
#include <vector>

namespace permafrost::testing {

inline constexpr int64_t kTolerance = 2;  // of 255
inline constexpr const char* kHevc =
    "-c:v libx265 -preset fast -x265-params log-level=none:keyint=20:open-gop=1 -pix_fmt yuv420p";
inline constexpr const char* kAv1 = "-c:v libsvtav1 -preset 12 -g 20 -pix_fmt yuv420p";
inline constexpr const char* kBFrames = "-c:v libx264 -preset veryfast -bf 3 -g 12 -pix_fmt yuv420p";

inline std::vector<int64_t> all_of(int64_t frames) {
  std::vector<int64_t> indices(static_cast<size_t>(frames));
  std::iota(indices.begin(), indices.end(), int64_t{0});
  return indices;
}

}  // namespace permafrost::testing
