#include <algorithm>
#include <filesystem>
#include <iostream>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/encoder/architectures.h"
#include "core/encoder/encoder_config.h"
#include "core/encoder/encoder_files.h"
#include "data/dataset/manifest.h"
#include "launch/geometry.h"
#include "launch/plan/plan_input.h"
#include "launch/plan/plan_json.h"
#include "launch/plan/plan_table.h"
#include "launch/plan/scaling_input.h"
#include "launch/plan/scaling_table.h"
#include "launch/training/run_directory.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

constexpr int64_t kMostRanks = 1024;

// The geometry in an encoder's config; of its weights no byte is read.
core::VisionConfig vision_of_files(const Settings& settings, const std::string& folder) {
  const core::EncoderFiles files = core::find_encoder_files(folder);
  if (files.hugging_face_config.empty() && files.open_clip_config.empty()) {
    throw core::ConfigError(folder + ": expected a config.json beside the weights, found none: give model.encoder");
  }
  const core::VisionConfig vision = files.hugging_face_config.empty()
                                        ? core::describe_open_clip(files.open_clip_config).vision
                                        : core::describe_hugging_face(files.hugging_face_config).vision;
  require_architecture(settings, vision, folder);
  return vision;
}

core::VisionConfig vision_of(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  core::VisionConfig vision;
  if (!settings.path.encoder.empty()) {
    vision = vision_of_files(settings, invocation.need_encoder());
  } else if (settings.model.encoder != "any") {
    vision = core::architecture_named(settings.model.encoder);
  } else {
    throw core::ConfigError(
        "option 'model.encoder' is any, expected an architecture: give a --config that names one, --model.encoder, or "
        "--encoder");
  }
  if (settings.cache.image_size > 0) vision.image_size = settings.cache.image_size;
  return vision;
}

VideoCounts count_videos(const std::string& path, bool allow_outside_root) {
  VideoCounts counts{.origin = path};
  for (const data::ManifestEntry& entry : data::read_manifest(path, allow_outside_root).entries) {
    if (entry.is_ok()) ++(entry.split == "train" ? counts.train : counts.eval);
  }
  return counts;
}

// "--nodes", "plan.cores in my.ini", or "" for a default.
std::string origin_of(const core::OptionTable& table, const std::string& name) {
  for (const core::Option& option : table.options()) {
    if (option.name != name || option.origin == "default") continue;
    return option.origin == "command line" ? "--" + name : name + " in " + option.origin;
  }
  return "";
}

PlanSources sources_of(const Invocation& invocation, const std::string& encoder) {
  const Settings& settings = invocation.settings;
  PlanSources sources{.videos = settings.path.manifest.empty()
                                    ? published_videos(settings.path.config)
                                    : count_videos(settings.path.manifest, settings.has.allow_outside_root)};
  if (!settings.plan.rates.empty()) {
    sources.measured = parse_rates(core::read_text(settings.plan.rates), settings.plan.rates, encoder);
  }
  sources.origin_of = [&invocation](const std::string& name) { return origin_of(*invocation.table, name); };
  return sources;
}

// 1, 2, 4, .., 1024
std::vector<int64_t> doubled_ranks() {
  std::vector<int64_t> ranks;
  for (int64_t count = 1; count <= kMostRanks; count *= 2) ranks.push_back(count);
  return ranks;
}

int simulate(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const auto network = [&] { return make_dist_config(settings, vision_of(invocation)); };
  ScalingInput input;
  if (!settings.path.from.empty()) {
    if (const std::string device = origin_of(*invocation.table, "device"); !device.empty()) {
      throw core::ConfigError(device + ": a run given with --from ran on its own device: leave one of them out");
    }
    input = scaling_of_run(settings, settings.path.from, network);
  } else {
    PlanSources sources = sources_of(invocation, settings.model.encoder);
    if (!sources.videos) sources.videos = VideoCounts{.train = 1, .eval = 1};  // of which no step depends
    input = scaling_of_plan(settings, make_plan_input(settings, vision_of(invocation), sources), network());
  }
  const std::vector<ScalingRow> rows = reckon_scaling(input, doubled_ranks());
  std::cout << (settings.has.json ? json_text(scaling_json(input, rows), 2) + "\n" : scaling_table(input, rows));
  return core::kExitDone;
}

}  // namespace

int run_plan(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  if (settings.has.simulate) return simulate(invocation);
  const std::string& architecture = settings.model.encoder;
  const PlanNames names{.config = settings.path.config.empty() ? "the options given" : settings.path.config,
                        .encoder = architecture != "any" ? architecture : settings.path.encoder};
  const core::VisionConfig vision = vision_of(invocation);
  const PlanInput input = make_plan_input(settings, vision, sources_of(invocation, names.encoder));
  const Plan plan = make_plan(input);
  std::cout << (settings.has.json ? json_text(plan_json(plan, input, names), 2) + "\n"
                                  : plan_table(plan, input, names));
  return core::kExitDone;
}

}  // namespace permafrost::launch
