#include <torch/types.h>

#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/checkpoint/safetensors.h"
#include "data/video/decoder.h"
#include "data/video/sampling.h"
#include "launch/isolation.h"
#include "launch/training/run_directory.h"
#include "launch/verbs/dataset_verbs.h"

namespace permafrost::launch {
namespace {

std::map<std::string, torch::Tensor> tensors_of(const data::DecodedFrames& frames) {
  return {{"frames", frames.pixels},
          {"indices", torch::tensor(frames.indices, torch::kInt64)},
          {"timestamps_seconds", torch::tensor(frames.timestamps_seconds, torch::kFloat64)}};
}

nlohmann::json describe(const std::string& file, const data::VideoReader& reader) {
  const data::VideoInfo& info = reader.info();
  const data::DecodeCounters& work = reader.counters();
  return {{"video", file},
          {"width", info.width},
          {"height", info.height},
          {"frames", info.frames},
          {"duration_seconds", info.duration_seconds},
          {"frames_per_second", info.frames_per_second},
          {"codec", info.codec},
          {"container", info.container},
          {"packets_read", work.packets_read},
          {"packets_decoded", work.packets_decoded},
          {"frames_decoded", work.frames},
          {"seeks", work.seeks}};
}

void tell(const nlohmann::json& facts) {
  core::log_info() << facts["video"].get<std::string>() << ": " << facts["width"] << "x" << facts["height"] << ", "
                   << facts["frames"] << " frames, " << facts["codec"].get<std::string>() << " in "
                   << facts["container"].get<std::string>() << "; decoded " << facts["frames_decoded"] << " frames of "
                   << facts["packets_decoded"] << " packets, " << facts["seeks"] << " seeks";
}

}  // namespace

int dump_frames(Invocation& invocation) {
  const DatasetSettings& wanted = invocation.settings.dataset;
  if (invocation.words.empty()) throw core::ConfigError("dataset frames: expected a video after it, found none");
  const std::string& file = invocation.words.front();
  const std::string& out = invocation.need(invocation.settings.path.out, "out");
  std::optional<data::DecodeChild> child;
  if (const auto limits = isolation_of(invocation.settings)) child.emplace(*limits);
  data::VideoReader reader(file, {.threads = static_cast<int>(std::max<int64_t>(1, invocation.settings.threads)),
                                  .child = child ? &*child : nullptr});
  const data::DecodedFrames frames =
      reader.read(data::sample_view(reader.info().frames, wanted.frames, wanted.view, wanted.views));
  const nlohmann::json facts = describe(file, reader);
  core::write_safetensors(out, tensors_of(frames));
  tell(facts);
  if (invocation.settings.has.json) std::cout << json_text(facts, 2) << "\n";
  return core::kExitDone;
}

}  // namespace permafrost::launch
