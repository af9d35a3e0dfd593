// Which frames of a video a clip is made of (MODEL.md, Recipe): one from each of F equal segments.
//
//   auto indices = sample_training(info.frames, 16, RandomStream(seed, {epoch, sample, kSampling}));
//   auto indices = sample_view(info.frames, 16, view, 3);  // view 0, 1 or 2 of a test
//
// Segment k of an n-frame video runs from e_k = k*n/F to e_(k+1), in float32 as the released code has it. A video
// shorter than F repeats frames. Both return F indices in [0, frame_count), not decreasing, and throw ConfigError
// unless frame_count >= 1, frames >= 1 and 0 <= view < views.
#pragma once

#include <cstdint>
#include <vector>

#include "core/base/random.h"

namespace permafrost::data {

// round-half-even(clamp(uniform(e_k, e_(k+1)), 0, n-1)): one draw of `random` per segment, in order.
std::vector<int64_t> sample_training(int64_t frame_count, int64_t frames, core::RandomStream random);

// round-half-even(clamp(e_k + (e_(k+1)-e_k)*(view+1)/views, 0, n-1)); one view only: the middle of each segment.
std::vector<int64_t> sample_view(int64_t frame_count, int64_t frames, int64_t view, int64_t views);

}  // namespace permafrost::data
