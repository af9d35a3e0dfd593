#include "launch/plan/plan_json.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

json codec_json(const ModePlan& mode) { return mode.codec.empty() ? json() : json(mode.codec); }

json mode_json(const ModePlan& mode) {
  return {{"mode", name_of(mode.mode)},
          {"codec", codec_json(mode)},
          {"record_bytes", mode.record_bytes},
          {"cache_bytes", mode.cache_bytes},
          {"fits", mode.fits},
          {"build_seconds", mode.build_seconds},
          {"build_waits_for", name_of(mode.build_limit)},
          {"needed_bytes_per_second_per_node", mode.needed_bytes_per_second},
          {"clips_per_second", mode.clips_per_second},
          {"epoch_seconds", mode.epoch_seconds},
          {"epoch_waits_for", name_of(mode.limit)},
          {"total_seconds", mode.total_seconds},
          {"break_even_epochs", mode.break_even_epochs ? json(*mode.break_even_epochs) : json()}};
}

json rates_json(const PlanInput& input) {
  const auto rate = [](const char* unit, const Rate& value) {
    return json{{unit, value.per_second}, {"origin", value.origin}};
  };
  return {{"frozen_forward", rate("clips_per_second_per_device", input.frozen)},
          {"train_step", rate("clips_per_second_per_device", input.step)},
          {"decoding", rate("clips_per_second_per_core", input.decode)},
          {"storage", rate("bytes_per_second_per_node", input.storage)},
          {"writing", rate("bytes_per_second_per_node", input.writing)},
          {"cores", {{"per_node", input.cores_per_node}, {"origin", input.cores_origin}}}};
}

}  // namespace

json plan_json(const Plan& plan, const PlanInput& input, const PlanNames& names) {
  json modes = json::array();
  for (const ModePlan& mode : plan.modes) modes.push_back(mode_json(mode));
  return {
      {"config", names.config},
      {"encoder", names.encoder},
      {"nodes", input.nodes},
      {"devices_per_node", input.devices_per_node},
      {"epochs", input.epochs},
      {"frames", input.frames},
      {"spatial_frames", input.spatial_frames},
      {"videos", {{"train", input.train_videos}, {"eval", input.eval_videos}, {"origin", input.videos_origin}}},
      {"records", {{"train", plan.train_records}, {"eval", plan.eval_records}}},
      {"flops_per_clip", {{"frozen_forward", input.frozen_flops}, {"train_step", input.step_flops}}},
      {"memory_bytes_per_device",
       {{"clips", input.memory.clips},
        {"state", input.memory.state_bytes},
        {"batch", input.memory.batch_bytes},
        {"activations", input.memory.activation_bytes},
        {"total", input.memory.bytes()}}},
      {"rates", rates_json(input)},
      {"modes", modes},
      {"recommended",
       {{"mode", name_of(plan.best().mode)}, {"codec", codec_json(plan.best())}, {"reason", reason_of(plan, input)}}}};
}

}  // namespace permafrost::launch
