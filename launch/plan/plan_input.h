// From a config's settings to what a plan is reckoned from. Reads nothing: whoever has a manifest or measured rates
// hands over what they say.
//
//   const core::VisionConfig vision = core::architecture_named(settings.model.encoder);
//   const PlanInput input = make_plan_input(settings, vision, {.videos = published_videos(config)});
//   const Plan plan = make_plan(input);
#pragma once

#include <functional>
#include <optional>
#include <string>

#include "core/encoder/vision_transformer.h"
#include "data/cache/cache_key.h"
#include "launch/plan/plan.h"
#include "launch/plan/rates.h"
#include "launch/settings.h"

namespace permafrost::launch {

struct VideoCounts {
  int64_t train = 0, eval = 0;  // videos of the training split, and of all others
  std::string origin;
};

// Of the data set that a published config's file is named after: k710_, k400_ or ssv2_. None for another name.
std::optional<VideoCounts> published_videos(const std::string& config_path);

struct PlanSources {
  std::optional<VideoCounts> videos = {};  // of a manifest or of published_videos(); options win over it
  MeasuredRates measured = {};
  // Where the value of the option of this name comes from; empty: its default.
  std::function<std::string(const std::string&)> origin_of = [](const std::string&) { return std::string(); };
};

// The key of the cache that `cache build` would make of this encoder, its hashes left empty.
data::CacheKey planned_key(const Settings& settings, const core::VisionConfig& vision, const std::string& codec);

// Throws ConfigError where the number of videos is not known, where there are more devices than clips in a batch, and
// for what no network or cache can have.
PlanInput make_plan_input(const Settings& settings, const core::VisionConfig& vision, const PlanSources& sources);

}  // namespace permafrost::launch
