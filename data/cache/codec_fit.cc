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

// How many components of 4 bits there are in so many bits, of so many channels; two share a byte.
int64_t fours_in(int64_t bits, int64_t channels) { return std::min(channels, bits / 4) / 2 * 2; }

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
    const int64_t fours = fours_in(bits - 8 * eights, width - eights);
    const double error = kError8 * sum[eights] + kError4 * (sum[eights + fours] - sum[eights]) +
                         error_dropped(variances.size(0)) * (sum[width] - sum[eights + fours]);
    if (error < least) {
      least = error;
      best = {eights, fours};
    }
  }
  return best;
}

// Bits of a token's components: less a byte for its scale, and four for each outlier.
int64_t budget_of(int64_t width, double bits, int64_t outliers) {
  return static_cast<int64_t>(bits * static_cast<double>(width)) - 8 - 32 * outliers;
}

constexpr double kInt4Bits = 4;
constexpr double kLeastSpread = 1e-6;  // of a component, beside the layer's largest

}  // namespace

CodecSpec nominal_spec(const std::string& codec, int64_t width, double bits) {
  CodecSpec spec{.name = codec};
  if (!spec.is_layered()) return spec;
  const int64_t budget = budget_of(width, codec == "int4" ? kInt4Bits : bits, 0);
  spec.components_8 = std::clamp<int64_t>((budget - 4 * width) / 4, 0, width);
  spec.components_4 = fours_in(budget - 8 * spec.components_8, width - spec.components_8);
  return spec;
}

bool has_bits(const CodecSpec& spec, int64_t width, double bits) {
  const int64_t left = budget_of(width, bits, spec.outliers) - 8 * spec.components_8;
  return left >= 0 && spec.components_4 == fours_in(left, width - spec.components_8);
}

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

// Covariance [C, C], or variances [C], of a layer's differences; none of outliers, which are stored by themselves.
torch::Tensor CodecFitter::centred_moments(int64_t layer, const FittedCodec& fitted) const {
  const auto tokens = static_cast<double>(tokens_);
  const bool is_matrix = spec_.name == "lowrank";
  const torch::Tensor mean = sum_[layer] / tokens;
  torch::Tensor moments = products_[layer] / tokens - (is_matrix ? torch::outer(mean, mean) : mean.square());
  if (fitted.spec.outliers > 0) {
    const torch::Tensor outliers = fitted.tables.tensors.at("outliers")[layer];
    moments.index_fill_(0, outliers, 0);
    if (is_matrix) moments.index_fill_(1, outliers, 0);
  }
  return is_matrix ? moments : moments.clamp_min(0);
}

// Components must not be scaled by nothing.
torch::Tensor CodecFitter::steps_of(const torch::Tensor& variances, const CodecSpec& spec) const {
  const torch::Tensor spread = variances.sqrt();  // [N, r]
  torch::Tensor steps = torch::maximum(spread, (spread.amax(1, true) * kLeastSpread).clamp_min(1e-20));
  steps.slice(1, 0, spec.components_8) *= static_cast<double>(kReach8 / kLargest8);
  steps.slice(1, spec.components_8) *= static_cast<double>(kReach4 / kLargest4);
  return steps.to(torch::kFloat32).contiguous();
}

// Of each layer the channels of the largest variance. What is left out of a layer is owed to the next, so that no
// channel stays behind in all of them.
void CodecFitter::fit_channels(FittedCodec& fitted) const {
  const int64_t outliers = fitted.spec.outliers;
  const int64_t count = fours_in(budget_of(shape_.width, kInt4Bits, outliers), shape_.width - outliers);
  require_components(count);
  fitted.spec.components_4 = count;
  std::vector<torch::Tensor> channels, variances;
  torch::Tensor owed = torch::zeros({shape_.width}, torch::kFloat64);
  for (int64_t layer = 0; layer < shape_.layers; ++layer) {
    torch::Tensor moments = centred_moments(layer, fitted) + owed;  // [C]
    const torch::Tensor order = moments.argsort(/*stable=*/true, /*dim=*/0, /*descending=*/true);
    channels.push_back(std::get<0>(order.slice(0, 0, count).sort()));  // in their order, which is quicker to read
    variances.push_back(moments.index_select(0, channels.back()));
    owed = moments.index_fill(0, channels.back(), 0);
  }
  fitted.tables.tensors["channels"] = torch::stack(channels).contiguous();
  fitted.tables.tensors["steps"] = steps_of(torch::stack(variances), fitted.spec);
}

// Of each layer the principal components of the largest variance.
void CodecFitter::fit_components(FittedCodec& fitted) const {
  std::vector<torch::Tensor> bases, variances;
  for (int64_t layer = 0; layer < shape_.layers; ++layer) {
    const auto [values, vectors] = at::linalg_eigh(centred_moments(layer, fitted));
    variances.push_back(values.flip(0).clamp_min(0));
    bases.push_back(vectors.t().flip(0));  // a row for each component
  }
  const torch::Tensor falling = torch::stack(variances);  // [N, C]
  const Allocation shares = allocate(falling, budget_of(shape_.width, options_.bits, fitted.spec.outliers));
  require_components(shares.eights + shares.fours);
  fitted.spec.components_8 = shares.eights;
  fitted.spec.components_4 = shares.fours;
  const int64_t count = shares.eights + shares.fours;
  fitted.tables.tensors["basis"] = torch::stack(bases).slice(1, 0, count).to(torch::kFloat32).contiguous();
  fitted.tables.tensors["steps"] = steps_of(falling.slice(1, 0, count), fitted.spec);
}

void CodecFitter::require_components(int64_t count) const {
  if (count >= 1) return;
  throw core::ConfigError("codec " + spec_.name + ": its bits leave no component of " + std::to_string(shape_.width) +
                          " channels: raise cache.bits, or choose another codec");
}

FittedCodec CodecFitter::finish() const {
  if (tokens_ == 0) throw core::DataError("no clip of the sample could be read: see the rejected videos");
  FittedCodec fitted{.spec = spec_, .tables = {}};
  if (!spec_.is_fitted()) return fitted;
  choose_outliers(fitted);
  if (spec_.is_layered()) {
    fitted.tables.tensors["mean"] = (sum_ / static_cast<double>(tokens_)).to(torch::kFloat32);
    spec_.name == "lowrank" ? fit_components(fitted) : fit_channels(fitted);
  }
  fitted.spec.tables_sha256 = fitted.tables.sha256();
  return fitted;
}

}  // namespace permafrost::data
