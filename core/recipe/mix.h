// Mixup and cutmix: every clip of a batch is blended with a partner, and so are the targets (MODEL.md "Recipe"). The
// numbers are those of timm 0.9's Mixup in batch mode, of which the reference has a copy.
//
//   BatchMix mix = draw_batch_mix(options, {.seed = 1, .epoch = 3, .batch = 17, .first_clip = 64}, clips, image_size);
//   torch::Tensor pixels = mix_pixels(batch.pixels, mix);
//   torch::Tensor features = mix_features(batch.features, mix, image_size, patch_size);
//   torch::Tensor loss = head->loss(logits, soft_targets(targets, classes, mix), /*smoothing=*/0.1);
//
// The global batch is cut into fixed groups of `group` clips. All clips of a group share one lambda and one box, and
// clip k of a group has clip group-1-k as its partner (the reference flips the order of the batch that one GPU holds).
// Both are functions of (seed, epoch, batch of the epoch, group of the batch): whichever rank holds a group, and in
// however many pieces a batch is computed, the clips are the same, as long as no piece cuts a group.
//
// Mixup is linear in pixels and features. Pixels are mixed as 0..255 in float: normalisation is the same affine map for
// both clips, so this is mixing of normalised pixels. Cutmix replaces a box of pixels; on the frozen features it
// replaces the tokens of the patches under the box. A patch that the box covers by the share w becomes
// (1-w) * own + w * partner's, and the class token is mixed by lambda, which is the mean of 1-w over the patches. This
// approximates: the frozen encoder never saw the mixed frames, and its tokens know of their whole frame.
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "core/base/random.h"

namespace permafrost::core {

struct MixOptions {
  double mixup = 0.8;               // alpha of mixup's Beta(alpha, alpha); 0: no mixup
  double cutmix = 1.0;              // of cutmix's; 0: no cutmix
  double cutmix_probability = 0.5;  // of a group, where both are on
  // Clips that are mixed with one another; even; 0: no mixing. 4 is what one GPU holds in the released code: a batch of
  // 32 over 8 GPUs.
  int64_t group = 4;

  bool is_on() const { return group > 0 && (mixup > 0 || cutmix > 0); }
};

// Rows top..bottom-1 and columns left..right-1 of a frame.
struct CutBox {
  int64_t top = 0, bottom = 0, left = 0, right = 0;

  int64_t area() const { return (bottom - top) * (right - left); }
};

// What is done to one group.
struct GroupMix {
  double lambda = 1;          // a clip's own share; its partner's is 1 - lambda
  std::optional<CutBox> box;  // cutmix, not mixup
};

// What is done to consecutive whole groups of a batch; no groups: nothing is mixed.
struct BatchMix {
  int64_t group = 0;
  std::vector<GroupMix> groups;

  bool is_on() const { return !groups.empty(); }
  const GroupMix& of(int64_t clip) const { return groups[clip / group]; }
  int64_t partner(int64_t clip) const { return clip / group * group + group - 1 - clip % group; }
};

// Where a piece of a batch lies.
struct BatchPlace {
  uint64_t seed = 0;
  int64_t epoch = 0;
  int64_t batch = 0;       // of the epoch
  int64_t first_clip = 0;  // of the piece, in the global batch: a multiple of the group
};

// The box of cutmix: int(size * sqrt(1 - lambda)) / 2 pixels, rounded down, to each side of a centre, clipped.
CutBox cutmix_box(double lambda, int64_t centre_row, int64_t centre_column, int64_t image_size);

// Draws lambda, and where it is cutmix the box, and corrects lambda to the box's true area.
GroupMix draw_group_mix(const MixOptions& options, int64_t image_size, RandomStream random);

// For the `clips` clips from place.first_clip on; both are multiples of options.group (a CHECK). None where mixing is
// off.
BatchMix draw_batch_mix(const MixOptions& options, const BatchPlace& place, int64_t clips, int64_t image_size);

// The partner's share in every token of cutmix: float32 [1 + g*g], class token first.
torch::Tensor token_weights(const CutBox& box, int64_t image_size, int64_t patch_size);

// pixels uint8 [b, F, 3, S, S] -> float32 in 0..255, or as they are where nothing is mixed.
torch::Tensor mix_pixels(const torch::Tensor& pixels, const BatchMix& mix);

// features [b, N, t, L, C], class token first -> the same shape and type; `image_size` is S.
torch::Tensor mix_features(const torch::Tensor& features, const BatchMix& mix, int64_t image_size, int64_t patch_size);

// targets int64 [b] -> float32 [b, K]: lambda at a clip's own class, 1 - lambda at its partner's. Smoothing is the
// head's (dist/head.h), and the same before or after mixing.
torch::Tensor soft_targets(const torch::Tensor& targets, int64_t classes, const BatchMix& mix);

}  // namespace permafrost::core
