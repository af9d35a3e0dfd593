// What a codec has to know of the features before it sees the first of them: from a sample.
//
//   CodecFitter fitter("lowrank", shape, {.bits = 4});
//   for (const ClipRecord& clip : sample) fitter.add(clip.features);
//   FittedCodec fitted = fitter.finish();
//   auto codec = make_codec(fitted.spec, shape, std::make_shared<CodecTables>(fitted.tables));
//
// The same features in the same order give the same bits. Memory: N * C * C doubles for lowrank, N * C for the others.
#pragma once

#include <torch/types.h>

#include <string>

#include "data/cache/codec_spec.h"
#include "data/cache/codec_tables.h"

namespace permafrost::data {

struct FitOptions {
  double bits = 4;  // of lowrank, a value of the features on average, scales and outliers included
};

// What a fit gives where no channel is an outlier, as far as bytes go: for planning before there is a sample.
CodecSpec nominal_spec(const std::string& codec, int64_t width, double bits);

// Whether a lowrank codec was fitted for so many bits.
bool has_bits(const CodecSpec& spec, int64_t width, double bits);

struct FittedCodec {
  CodecSpec spec;
  CodecTables tables;
};

class CodecFitter {
 public:
  // A codec that needs no fit takes any sample and gives empty tables. Throws ConfigError for an unknown codec, or bits
  // that leave no component.
  CodecFitter(const std::string& codec, const FeatureShape& shape, const FitOptions& options = {});

  // float32 [N, t, L, C]. Throws DataError where one is not finite.
  void add(const torch::Tensor& features);
  // Throws DataError where nothing was added.
  FittedCodec finish() const;

 private:
  void choose_outliers(FittedCodec& fitted) const;
  void fit_channels(FittedCodec& fitted) const;
  void fit_components(FittedCodec& fitted) const;
  torch::Tensor centred_moments(int64_t layer, const FittedCodec& fitted) const;
  torch::Tensor steps_of(const torch::Tensor& variances, const CodecSpec& spec) const;
  void require_components(int64_t count) const;

  FeatureShape shape_;
  FitOptions options_;
  CodecSpec spec_;
  int64_t tokens_ = 0;      // of each layer
  torch::Tensor largest_;   // float32 [N, C], of |value|; of differences for layered codecs
  torch::Tensor sum_;       // float64 [N, C]
  torch::Tensor products_;  // float64 [N, C, C] of lowrank, [N, C] squares of int4
};

}  // namespace permafrost::data
