// Codecs that store each layer as its difference to the decoded layer before it: the residual stream changes little
// from layer to layer, and what outlier channels hold they hold in all layers.
//
// The difference, less its mean, is written in components with a step each and a scale for each token: int4 takes the
// channels themselves, 4 bits each; lowrank takes their principal components, the leading ones in 8 bits, the next in
// 4, the rest dropped. Errors do not add up over layers, because each difference is taken to what a reader will have.
#pragma once

#include <memory>

#include "data/cache/codec.h"

namespace permafrost::data {

std::unique_ptr<Codec> make_layered_codec(const CodecSpec& spec, const FeatureShape& shape,
                                          std::shared_ptr<const CodecTables> tables);

// How many standard deviations of a component its codes reach, at scale 1.
inline constexpr float kReach8 = 4.5f, kReach4 = 2.7f;
inline constexpr float kLargest8 = 127, kLargest4 = 7;

}  // namespace permafrost::data
