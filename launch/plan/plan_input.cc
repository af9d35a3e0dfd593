#include "launch/plan/plan_input.h"

#include <algorithm>
#include <filesystem>

#include "core/base/error.h"
#include "core/dist/cost.h"
#include "data/cache/codec.h"
#include "data/cache/codec_fit.h"
#include "data/cache/shard_layout.h"
#include "launch/geometry.h"
#include "launch/training/mix_groups.h"

namespace permafrost::launch {
namespace {

constexpr double kGiga = 1e9, kTera = 1e12;
constexpr int64_t kCoresPerDevice = 8;

// TFLOP/s of one H100 without tensor-float products: guesses, never measured with this program. The frozen forward is
// large products; a train step's convolutions and norms are bound by memory.
double assumed_frozen_tflops(const std::string& dtype) { return dtype == "fp32" ? 40 : 300; }
double assumed_step_tflops(const std::string& precision) { return precision == "fp32" ? 20 : 60; }

struct DataSet {
  const char* prefix;
  const char* name;
  int64_t train, eval;
};

// Kinetics-710: one public list's (MODEL.md); Kinetics-400: OpenMMLab's copy; Something-Something V2: its own page.
constexpr DataSet kDataSets[] = {{"k710_", "Kinetics-710", 658340, 66803},
                                 {"k400_", "Kinetics-400", 240436, 19796},
                                 {"ssv2_", "Something-Something V2", 168913, 24777}};

void set_videos(const Settings& settings, const PlanSources& sources, PlanInput& input) {
  const PlanSettings& plan = settings.plan;
  const VideoCounts known = sources.videos.value_or(VideoCounts{});
  const bool is_train_given = plan.train_videos > 0, is_eval_given = plan.eval_videos > 0;
  if (!sources.videos && !(is_train_given && is_eval_given)) {
    throw core::ConfigError(
        "expected the number of videos, found none: give --plan.train_videos and --plan.eval_videos, or --manifest (it "
        "is known only of configs whose names begin with k710_, k400_ or ssv2_)");
  }
  input.train_videos = is_train_given ? plan.train_videos : known.train;
  input.eval_videos = is_eval_given ? plan.eval_videos : known.eval;
  std::vector<std::string> origins;
  if (is_train_given) origins.push_back(sources.origin_of("plan.train_videos"));
  if (is_eval_given) origins.push_back(sources.origin_of("plan.eval_videos"));
  if (!is_train_given || !is_eval_given) origins.push_back(known.origin);
  for (const std::string& origin : origins) input.videos_origin += (input.videos_origin.empty() ? "" : ", ") + origin;
  if (input.train_videos == 0) {
    throw core::ConfigError("expected videos to train on, found none (" + input.videos_origin +
                            "): give another --manifest, or --plan.train_videos");
  }
}

void set_cost(const Settings& settings, const core::VisionConfig& vision, PlanInput& input) {
  const core::DistConfig network = make_dist_config(settings, vision);
  input.frames = network.frames;
  input.spatial_frames = network.spatial_frames();
  input.frozen_flops = 2 * static_cast<double>(network.spatial_frames()) * core::encoder_multiply_adds(vision);
  input.step_flops = 2 * core::step_multiply_adds(network);
  const int64_t devices = input.nodes * input.devices_per_node, batch = settings.recipe.batch;
  if (devices > batch) {
    throw core::ConfigError("options 'nodes' and 'gpus' are " + std::to_string(input.nodes) + " and " +
                            std::to_string(input.devices_per_node) + ", expected no more devices than clips in " +
                            "recipe.batch (" + std::to_string(batch) + "): plan for fewer, or set a larger batch");
  }
  require_whole_groups(settings, devices);
  const int64_t share = (batch + devices - 1) / devices, micro = settings.train.micro_batch;
  input.memory =
      estimate_step_memory(network, core::parameter_count(network), micro > 0 ? std::min(micro, share) : share,
                           settings.train.precision, settings.train.recompute == "layers");
}

// A mixed cache holds layers 0, 2, 4, ...; each of the others is computed from the one before it.
void set_codecs(const Settings& settings, const core::VisionConfig& vision, PlanInput& input) {
  input.codec = settings.cache.codec;
  std::vector<std::string> names = data::codec_names();
  if (std::find(names.begin(), names.end(), input.codec) == names.end()) names.push_back(input.codec);
  for (const std::string& name : names) {
    data::CacheKey key = planned_key(settings, vision, name);
    CodecBytes bytes{.codec = name, .record_bytes = static_cast<double>(data::record_bytes(key))};
    key.selected_layers.clear();
    for (int64_t layer = 0; layer < vision.layers; layer += 2) key.selected_layers.push_back(layer);
    bytes.mixed_record_bytes = static_cast<double>(data::record_bytes(key));
    input.codecs.push_back(bytes);
  }
  const int64_t computed = vision.layers / 2;
  input.mixed_share = static_cast<double>(computed) / static_cast<double>(vision.layers);
}

// An option wins over a measurement, that over an assumption.
Rate choose(const Rate& option, const std::optional<Rate>& measured, const Rate& assumed) {
  return !option.origin.empty() ? option : measured.value_or(assumed);
}

void set_device_rates(const Settings& settings, const PlanSources& sources, PlanInput& input) {
  const auto by_option = [&](double tflops, const char* name, double flops) {
    return tflops > 0 ? Rate{tflops * kTera / flops, sources.origin_of(name)} : Rate{0, ""};
  };
  std::optional<Rate> frozen = sources.measured.frozen_frames;
  if (frozen) frozen->per_second /= static_cast<double>(input.spatial_frames);
  input.frozen = choose(by_option(settings.plan.frozen_tflops, "plan.frozen_tflops", input.frozen_flops), frozen,
                        {assumed_frozen_tflops(settings.cache.encoder_dtype) * kTera / input.frozen_flops,
                         "assumed of an H100 in " + settings.cache.encoder_dtype});
  input.step = choose(by_option(settings.plan.step_tflops, "plan.step_tflops", input.step_flops), sources.measured.step,
                      {assumed_step_tflops(settings.train.precision) * kTera / input.step_flops,
                       "assumed of an H100 in " + settings.train.precision});
}

void set_node_rates(const Settings& settings, const PlanSources& sources, PlanInput& input) {
  const PlanSettings& plan = settings.plan;
  input.cores_per_node = plan.cores > 0 ? plan.cores : kCoresPerDevice * plan.gpus;
  if (plan.cores > 0) input.cores_origin = sources.origin_of("plan.cores");
  input.decode =
      choose({plan.decode_clips, sources.origin_of("plan.decode_clips")}, sources.measured.decode, {plan.decode_clips});
  const double reading = plan.storage_gbps * kGiga;
  input.storage = choose({reading, sources.origin_of("storage-gbps")}, std::nullopt, {reading});
  input.writing = plan.write_gbps > 0 ? Rate{plan.write_gbps * kGiga, sources.origin_of("plan.write_gbps")}
                                      : Rate{reading, "assumed to be as for reading"};
  input.capacity_bytes = plan.capacity_tb * kTera;
}

}  // namespace

std::optional<VideoCounts> published_videos(const std::string& config_path) {
  const std::string name = std::filesystem::path(config_path).filename().string();
  for (const DataSet& set : kDataSets) {
    if (name.starts_with(set.prefix)) return VideoCounts{set.train, set.eval, std::string("published for ") + set.name};
  }
  return std::nullopt;
}

data::CacheKey planned_key(const Settings& settings, const core::VisionConfig& vision, const std::string& codec) {
  data::CacheKey key = clip_key(settings, vision);
  key.encoder_dtype = settings.cache.encoder_dtype;
  key.codec = data::nominal_spec(codec, vision.width, settings.cache.bits);
  key.validate();
  return key;
}

PlanInput make_plan_input(const Settings& settings, const core::VisionConfig& vision, const PlanSources& sources) {
  const PlanSettings& plan = settings.plan;
  PlanInput input{.nodes = plan.nodes, .devices_per_node = plan.gpus};
  input.epochs = settings.recipe.schedule.epochs;
  input.train_views = settings.sampling.train_views;
  input.eval_views = settings.sampling.eval_views * settings.sampling.eval_crops;
  set_videos(settings, sources, input);
  set_cost(settings, vision, input);
  set_codecs(settings, vision, input);
  set_device_rates(settings, sources, input);
  set_node_rates(settings, sources, input);
  return input;
}

}  // namespace permafrost::launch
