#include "data/video/sampling.h"

#include <algorithm>
#include <cmath>
#include <string>

#include "core/base/error.h"

namespace permafrost::data {
namespace {

void require_counts(int64_t frame_count, int64_t frames) {
  if (frame_count < 1)
    throw core::ConfigError("sampling: expected a video of 1 frame or more, found " + std::to_string(frame_count));
  if (frames < 1)
    throw core::ConfigError("sampling: expected 1 frame per clip or more, found " + std::to_string(frames));
}

float edge(int64_t k, int64_t frame_count, int64_t frames) {
  return static_cast<float>(static_cast<double>(k) * static_cast<double>(frame_count) / static_cast<double>(frames));
}

// std::nearbyint rounds halves to even in the default rounding mode, which nothing here changes.
int64_t to_index(double position, int64_t frame_count) {
  return static_cast<int64_t>(std::nearbyint(std::clamp(position, 0.0, static_cast<double>(frame_count - 1))));
}

}  // namespace

std::vector<int64_t> sample_training(int64_t frame_count, int64_t frames, core::RandomStream random) {
  require_counts(frame_count, frames);
  std::vector<int64_t> indices;
  indices.reserve(static_cast<size_t>(frames));
  for (int64_t k = 0; k < frames; ++k) {
    const double low = edge(k, frame_count, frames);
    const double high = edge(k + 1, frame_count, frames);
    indices.push_back(to_index(random.uniform(low, high), frame_count));
  }
  return indices;
}

std::vector<int64_t> sample_view(int64_t frame_count, int64_t frames, int64_t view, int64_t views) {
  require_counts(frame_count, frames);
  if (view < 0 || view >= views) {
    throw core::ConfigError("sampling: view " + std::to_string(view) + " of " + std::to_string(views) +
                            ": expected 0 <= view < views");
  }
  std::vector<int64_t> indices;
  indices.reserve(static_cast<size_t>(frames));
  for (int64_t k = 0; k < frames; ++k) {
    const float low = edge(k, frame_count, frames);
    const float width = edge(k + 1, frame_count, frames) - low;
    const float offset = views == 1 ? width / 2 : width * static_cast<float>(view + 1) / static_cast<float>(views);
    indices.push_back(to_index(low + offset, frame_count));
  }
  return indices;
}

}  // namespace permafrost::data
