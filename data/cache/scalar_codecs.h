// Codecs that store each value by itself: f32, f16, bf16, and int8 and fp8 with a scale for each token.
#pragma once

#include <memory>

#include "data/cache/codec.h"

namespace permafrost::data {

std::unique_ptr<Codec> make_f32_codec(const CodecSpec&, const FeatureShape&, std::shared_ptr<const CodecTables>);
std::unique_ptr<Codec> make_f16_codec(const CodecSpec&, const FeatureShape&, std::shared_ptr<const CodecTables>);
std::unique_ptr<Codec> make_bf16_codec(const CodecSpec&, const FeatureShape&, std::shared_ptr<const CodecTables>);
std::unique_ptr<Codec> make_int8_codec(const CodecSpec&, const FeatureShape&, std::shared_ptr<const CodecTables>);
std::unique_ptr<Codec> make_fp8_codec(const CodecSpec&, const FeatureShape&, std::shared_ptr<const CodecTables>);

}  // namespace permafrost::data
