// The geometry that a config describes before any file is read: for --print-config and for telling what a run costs.
#pragma once

#include <string>
#include <vector>

#include "core/dist/dist_config.h"
#include "core/encoder/vision_transformer.h"
#include "data/cache/cache_key.h"
#include "launch/settings.h"

namespace permafrost::launch {

// DiST on every layer of `vision`, as the settings want it. Throws ConfigError for what cannot be.
core::DistConfig make_dist_config(const Settings& settings, const core::VisionConfig& vision);

// "all", "0,3,11", "every:2" (counted from the last) or "last:6", of so many layers: ascending. Throws ConfigError.
std::vector<int64_t> layers_named(const std::string& names, int64_t layers);

// What the settings say of clips and features of `vision`, whatever its weights: a key without encoder_sha256,
// encoder_dtype, augmentation and seed, and of the codec its name only. Throws ConfigError.
data::CacheKey clip_key(const Settings& settings, const core::VisionConfig& vision);

// Comment lines that tell parameters and multiply-adds of one view; empty where the config names no architecture.
std::string describe_cost(const Settings& settings);

// Throws ConfigError where the settings name another architecture than `found` has.
void require_architecture(const Settings& settings, const core::VisionConfig& found, const std::string& where);

}  // namespace permafrost::launch
