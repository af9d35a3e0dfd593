#include "core/recipe/mix.h"

#include <algorithm>
#include <cmath>

#include "core/base/error.h"

namespace permafrost::core {
namespace {

constexpr uint64_t kMixPurpose = 0x6d6978;  // "mix": keeps this stream apart from others of the same seed

// How many of the pixels first..first+count-1 lie in low..high-1.
int64_t overlap(int64_t first, int64_t count, int64_t low, int64_t high) {
  return std::max<int64_t>(0, std::min(first + count, high) - std::max(first, low));
}

bool draws_cutmix(const MixOptions& options, RandomStream& random) {
  const bool is_cutmix = random.uniform() < options.cutmix_probability;
  if (options.mixup <= 0) return true;
  return options.cutmix > 0 && is_cutmix;
}

void paste(torch::Tensor pixels, const torch::Tensor& partner, const CutBox& box) {
  const auto cut = [&](const torch::Tensor& frames) {
    return frames.slice(-2, box.top, box.bottom).slice(-1, box.left, box.right);
  };
  cut(pixels).copy_(cut(partner));
}

}  // namespace

CutBox cutmix_box(double lambda, int64_t centre_row, int64_t centre_column, int64_t image_size) {
  const auto half = static_cast<int64_t>(static_cast<double>(image_size) * std::sqrt(1 - lambda)) / 2;
  const auto clip = [&](int64_t place) { return std::clamp<int64_t>(place, 0, image_size); };
  return {clip(centre_row - half), clip(centre_row + half), clip(centre_column - half), clip(centre_column + half)};
}

GroupMix draw_group_mix(const MixOptions& options, int64_t image_size, RandomStream random) {
  if (!draws_cutmix(options, random)) return {.lambda = random.beta(options.mixup), .box = {}};
  const double drawn = random.beta(options.cutmix);
  const auto row = static_cast<int64_t>(random.below(static_cast<uint64_t>(image_size)));
  const auto column = static_cast<int64_t>(random.below(static_cast<uint64_t>(image_size)));
  const CutBox box = cutmix_box(drawn, row, column, image_size);
  const double share = static_cast<double>(box.area()) / static_cast<double>(image_size * image_size);
  return {.lambda = 1 - share, .box = box};
}

BatchMix draw_batch_mix(const MixOptions& options, const BatchPlace& place, int64_t clips, int64_t image_size) {
  BatchMix mix;
  if (!options.is_on()) return mix;
  PERMAFROST_CHECK(place.first_clip % options.group == 0 && clips % options.group == 0,
                   std::to_string(clips) + " clips from " + std::to_string(place.first_clip) + " cut a group of " +
                       std::to_string(options.group));
  mix.group = options.group;
  for (int64_t clip = place.first_clip; clip < place.first_clip + clips; clip += options.group) {
    mix.groups.push_back(draw_group_mix(
        options, image_size,
        RandomStream(place.seed, {kMixPurpose, static_cast<uint64_t>(place.epoch), static_cast<uint64_t>(place.batch),
                                  static_cast<uint64_t>(clip / options.group)})));
  }
  return mix;
}

torch::Tensor token_weights(const CutBox& box, int64_t image_size, int64_t patch_size) {
  const int64_t grid = image_size / patch_size;
  const auto shares = [&](int64_t low, int64_t high) {
    torch::Tensor covered = torch::empty({grid});
    for (int64_t cell = 0; cell < grid; ++cell) {
      covered[cell] =
          static_cast<float>(overlap(cell * patch_size, patch_size, low, high)) / static_cast<float>(patch_size);
    }
    return covered;
  };
  const torch::Tensor cells = torch::outer(shares(box.top, box.bottom), shares(box.left, box.right));  // [g, g]
  const float mean = static_cast<float>(box.area()) / static_cast<float>(image_size * image_size);
  return torch::cat({torch::full({1}, mean), cells.flatten()});  // [1 + g*g]
}

torch::Tensor mix_pixels(const torch::Tensor& pixels, const BatchMix& mix) {
  if (!mix.is_on()) return pixels;
  torch::Tensor mixed = pixels.to(torch::kFloat32, /*non_blocking=*/false, /*copy=*/true);  // [b, F, 3, S, S]
  for (int64_t clip = 0; clip < pixels.size(0); ++clip) {
    const GroupMix& group = mix.of(clip);
    const torch::Tensor partner = pixels[mix.partner(clip)];
    if (group.box) {
      paste(mixed[clip], partner, *group.box);
    } else {
      mixed[clip].mul_(group.lambda).add_(partner.to(torch::kFloat32), 1 - group.lambda);
    }
  }
  return mixed;
}

torch::Tensor mix_features(const torch::Tensor& features, const BatchMix& mix, int64_t image_size, int64_t patch_size) {
  if (!mix.is_on()) return features;
  torch::Tensor mixed = torch::empty_like(features);  // [b, N, t, L, C]
  for (int64_t clip = 0; clip < features.size(0); ++clip) {
    const GroupMix& group = mix.of(clip);
    torch::Tensor result = mixed[clip];
    const torch::Tensor own = features[clip], partner = features[mix.partner(clip)];
    if (group.box) {
      const torch::Tensor weights = token_weights(*group.box, image_size, patch_size).to(features.options());  // [L]
      torch::lerp_out(result, own, partner, weights.unsqueeze(1));
    } else {
      torch::lerp_out(result, own, partner, 1 - group.lambda);
    }
  }
  return mixed;
}

torch::Tensor soft_targets(const torch::Tensor& targets, int64_t classes, const BatchMix& mix) {
  const torch::Tensor own = torch::one_hot(targets, classes).to(torch::kFloat32);  // [b, K]
  if (!mix.is_on()) return own;
  torch::Tensor mixed = torch::empty_like(own);
  for (int64_t clip = 0; clip < targets.size(0); ++clip) {
    const double lambda = mix.of(clip).lambda;
    mixed[clip] = own[clip] * lambda + own[mix.partner(clip)] * (1 - lambda);
  }
  return mixed;
}

}  // namespace permafrost::core
