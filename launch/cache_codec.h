// The codec of a new cache, fitted on a sample where it needs that: once, by rank 0, for all ranks and every start.
//
//   data::CodecSpec spec = settle_codec(world, out, {key, bits, identity}, [&](auto& fitter) { fitter.add(features);
//   }); auto codec = data::open_codec(out, key);
#pragma once

#include <functional>
#include <string>

#include "data/cache/cache_key.h"
#include "data/cache/codec_fit.h"
#include "distributed/communicator.h"

namespace permafrost::launch {

// What the tables are fitted for: another encoder, sampling or bits are other tables.
struct CodecDemand {
  data::CacheKey key;  // its codec: the name only
  double bits = 4;
  std::string sample;  // identity of the videos
};

// Gives the fitter the sample's features, one clip after the other.
using FeedSample = std::function<void(data::CodecFitter& fitter)>;

// The spec of the codec; writes codec.safetensors into `directory`, unless the one that is there was fitted for the
// same demand. Collective; `feed` is called on rank 0 at most. Throws as CodecFitter.
data::CodecSpec settle_codec(distributed::Communicator& world, const std::string& directory, const CodecDemand& demand,
                             const FeedSample& feed);

// The order in which videos are taken into a sample: those of training first, then by their ids' hashes.
bool is_sampled_before(const std::string& split, const std::string& id, const std::string& other_split,
                       const std::string& other_id);

// How many clips a sample needs for this shape: enough tokens for each channel.
int64_t sample_clips(const data::FeatureShape& shape);

}  // namespace permafrost::launch
