#include "data/cache/codec_fit.h"

#include <ATen/ops/linalg_eigh.h>
#include <torch/types.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>

#include "core/base/error.h"
#include "data/cache/codec.h"
#include "data/cache/layered_codec.h"

namespace permafrost::data {
namespace {

// A channel is an outlier where it reaches further than this many times the median channel's reach: beyond it the
// others are left with too few steps.
constexpr float kOutlierRatio = 8;
// Each costs four bytes a token.
constexpr int64_t kMostOutliers = 16, kMostOutliersOfLayered = 4;
constexpr int64_t kOutlierShare = 16;  // at most one channel of so many

// Mean squared error of a component of variance 1 in 8 bits and in 4.
constexpr double kError8 = 1.2e-4, kError4 = 1.6e-2;

// And dropped: what is missing of a layer is missing of all that build on it, so that it adds up.
double error_dropped(int64_t layers) { return static_cast<double>(layers + 1) / 2; }

torch::Tensor differences_of(const torch::Tensor& features) {
  return torch::cat({features.slice(0, 0, 1), features.slice(0, 1) - features.slice(0, 0, -1)});
}

struct Allocation {
  int64_t eights = 0, fours = 0;
};

// Components in 8 and 4 bits that together take at most `bits` of each token and leave the least error, averaged over
// layers. variances [N, C], falling.
Allocation allocate(const torch::Tensor& variances, int64_t bits) {
  const int64_t width = variances.size(1);
  const torch::Tensor shares = (variances / variances.sum(1, true)).mean(0);  // [C]
  const torch::Tensor sums = torch::cat({torch::zeros({1}, torch::kFloat64), shares.cumsum(0)}).contiguous();
  const auto* sum = sums.const_data_ptr<double>();
  Allocation best;
  double least = std::numeric_limits<double>::infinity();
  for (int64_t eights = 0; eights <= width && 8 * eights <= bits; ++eights) {
    const int64_t fours = std::min(width - eights, (bits - 8 * eights) / 4) / 2 * 2;
    const double error = kError8 * sum[eights] + kError4 * (sum[eights + fours] - sum[eights]) +
                         error_dropped(variances.size(0)) * (sum[width] - sum[eights + fours]);
    if (error < least) {
      least = error;
      best = {eights, fours};
    }
  }
  return best;
}

}  // namespace

CodecFitter::CodecFitter(const std::string& codec, const FeatureShape& shape, const FitOptions& options)
    : shape_(shape), options_(options), spec_{.name = codec} {
  make_codec(spec_, shape);  // throws for an unknown name
  if (!spec_.is_fitted()) return;
  largest_ = torch::zeros({shape.layers, shape.width});
  if (!spec_.is_layered()) return;
  sum_ = torch::zeros({shape.layers, shape.width}, torch::kFloat64);
  products_ = codec == "lowrank" ? torch::zeros({shape.layers, shape.width, shape.width}, torch::kFloat64)
                                 : torch::zeros({shape.layers, shape.width}, torch::kFloat64);
}

void CodecFitter::add(const torch::Tensor& features) {
  if (!torch::isfinite(features).all().item<bool>()) {
    throw core::DataError("a feature is not finite: check the encoder's weights");
  }
  tokens_ += shape_.frames * shape_.tokens;
  if (!spec_.is_fitted()) return;
  const torch::Tensor values =
      (spec_.is_layered() ? differences_of(features) : features).flatten(1, 2);  // [N, t * L, C]
  largest_ = torch::maximum(largest_, values.abs().amax(1));
  if (!spec_.is_layered()) return;
  for (int64_t layer = 0; layer < shape_.layers; ++layer) {
    const torch::Tensor tokens = values[layer];  // [t * L, C]
    sum_[layer] += tokens.sum(0, false, torch::kFloat64);
    if (spec_.name == "lowrank") {
      products_[layer] += torch::mm(tokens.t(), tokens);
    } else {
      products_[layer] += tokens.square().sum(0, false, torch::kFloat64);
    }
  }
}

// The same number for each layer, so that a record's shape is regular: as many as the layer with most has.
void CodecFitter::choose_outliers(FittedCodec& fitted) const {
  const torch::Tensor ratios = largest_ / std::get<0>(largest_.median(1, true)).clamp_min(1e-30);  // [N, C]
  const int64_t most = ratios.gt(kOutlierRatio).sum(1).max().item<int64_t>();
  const int64_t limit =
      std::min(shape_.width / kOutlierShare, spec_.is_layered() ? kMostOutliersOfLayered : kMostOutliers);
  fitted.spec.outliers = std::min(most, limit);
  const torch::Tensor channels = std::get<1>(ratios.topk(fitted.spec.outliers, 1));
  fitted.tables.tensors["outliers"] = std::get<0>(channels.sort(1)).contiguous();  // int64 [N, k]
}

// Covariance [C, C], or variances [C], of a layer's differences.
torch::Tensor CodecFitter::centred_moments(int64_t layer) const {
  const auto tokens = static_cast<double>(tokens_);
  const torch::Tensor mean = sum_[layer] / tokens;
  if (spec_.name == "lowrank") return products_[layer] / tokens - torch::outer(mean, mean);
  return (products_[layer] / tokens - mean.square()).clamp_min(0);
}

void CodecFitter::fit_layers(FittedCodec& fitted) const {
  const int64_t width = shape_.width, outliers = fitted.spec.outliers;
  const bool is_rotated = spec_.name == "lowrank";
  torch::Tensor variances = torch::empty({shape_.layers, width}, torch::kFloat64);
  torch::Tensor order = torch::empty({shape_.layers, width}, torch::kInt64);
  torch::Tensor bases = is_rotated ? torch::empty({shape_.layers, width, width}, torch::kFloat64) : torch::Tensor();
  for (int64_t layer = 0; layer < shape_.layers; ++layer) {
    torch::Tensor moments = centred_moments(layer);
    if (outliers > 0) {  // they are stored by themselves
      const torch::Tensor channels = fitted.tables.tensors.at("outliers")[layer];
      moments.index_fill_(0, channels, 0);
      if (is_rotated) moments.index_fill_(1, channels, 0);
    }
    if (is_rotated) {
      const auto [values, vectors] = at::linalg_eigh(moments);
      variances[layer] = values.flip(0).clamp_min(0);
      bases[layer] = vectors.t().flip(0);  // rows are components, the largest first
    } else {
      const auto [values, channels] = moments.sort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
      variances[layer] = values;
      order[layer] = channels;
    }
  }
  // A byte of each token is its scale.
  const double bits = is_rotated ? options_.bits : 4;
  const auto budget = static_cast<int64_t>(bits * static_cast<double>(width)) - 8 - 32 * outliers;
  const Allocation shares =
      is_rotated ? allocate(variances, budget) : Allocation{0, std::min(width - outliers, budget / 4) / 2 * 2};
  const int64_t components = shares.eights + shares.fours;
  if (components < 1) {
    throw core::ConfigError("codec " + spec_.name + ": " + std::to_string(bits) +
                            " bits a value leave no component: " + "raise cache.bits");
  }
  fitted.spec.components_8 = shares.eights;
  fitted.spec.components_4 = shares.fours;
  const torch::Tensor spread = variances.slice(1, 0, components).sqrt();  // [N, r]
  const torch::Tensor floor = (spread.amax(1, true) * 1e-6).clamp_min(1e-20);
  torch::Tensor steps = torch::maximum(spread, floor);
  steps.slice(1, 0, shares.eights) *= static_cast<double>(kReach8 / kLargest8);
  steps.slice(1, shares.eights) *= static_cast<double>(kReach4 / kLargest4);
  auto& tensors = fitted.tables.tensors;
  tensors["mean"] = (sum_ / static_cast<double>(tokens_)).to(torch::kFloat32);
  if (is_rotated) {
    tensors["basis"] = bases.slice(1, 0, components).to(torch::kFloat32).contiguous();
    tensors["steps"] = steps.to(torch::kFloat32).contiguous();
  } else {
    const auto [channels, places] = order.slice(1, 0, components).sort(1);
    tensors["channels"] = channels.contiguous();
    tensors["steps"] = steps.gather(1, places).to(torch::kFloat32).contiguous();
  }
}

FittedCodec CodecFitter::finish() const {
  if (tokens_ == 0) throw core::DataError("no clip of the sample could be read: see the rejected videos");
  FittedCodec fitted{.spec = spec_, .tables = {}};
  if (!spec_.is_fitted()) return fitted;
  choose_outliers(fitted);
  if (spec_.is_layered()) fit_layers(fitted);
  fitted.spec.tables_sha256 = fitted.tables.sha256();
  return fitted;
}

}  // namespace permafrost::data
