// A video that a DecodeChild reads for us, and the words in which the two speak. Internal to data/video.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "data/video/decoder.h"
#include "data/video/frame_source.h"

namespace permafrost::data {

inline constexpr int kChildOutOfMemory = 77;  // the exit code of a child that says so itself

std::unique_ptr<FrameSource> open_isolated(const std::string& path, const DecodeLimits& limits);

nlohmann::json to_json(const DecodeLimits& limits);
nlohmann::json to_json(const VideoInfo& info);
nlohmann::json to_json(const DecodeCounters& counters);
DecodeLimits limits_of(const nlohmann::json& json);

}  // namespace permafrost::data
