#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/log.h"
#include "data/cache/cache_reader.h"
#include "data/loader/cached_clips.h"
#include "data/loader/online_clips.h"
#include "distributed/communicator.h"
#include "launch/training/evaluation.h"
#include "launch/training/probe.h"
#include "launch/training/run_directory.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

constexpr int64_t kReaderThreads = 1;

std::vector<VideoScore> evaluate_cached(const Settings& settings, TrainedModel& model,
                                        distributed::Communicator& world) {
  if (settings.eval.frame_order != "natural") {
    throw core::ConfigError("eval.frame_order " + settings.eval.frame_order +
                            " needs the videos, as a cache has its frames in their own order: give --manifest and "
                            "--encoder instead of --cache");
  }
  const data::CacheReader cache(settings.path.cache);
  require_usable(model, cache.key(), settings.path.cache);
  const data::CachedClips clips(cache, settings.eval.split, data::ViewPolicy::kEvery, model.labels);
  return evaluate(model, {clips, clips.videos(), clips.views()}, world, settings.eval.batch, kReaderThreads);
}

// With --text the run names those classes instead of its own.
void use_text(const Settings& settings, TrainedModel& model, std::optional<core::FrozenEncoder>& encoder) {
  if (settings.path.text.empty()) return;
  if (!encoder && settings.eval.clip_weight > 0) {
    throw core::ConfigError("eval.clip_weight " + std::to_string(settings.eval.clip_weight) +
                            " mixes in CLIP's own logits: expected --encoder, found none: give it, or clip_weight 0");
  }
  use_classes(model, settings.path.text, encoder ? &*encoder : nullptr, settings.eval.clip_weight);
}

std::vector<VideoScore> evaluate_online(const Settings& settings, TrainedModel& model, core::FrozenEncoder& encoder,
                                        distributed::Communicator& world) {
  const data::Manifest manifest = data::read_manifest(settings.path.manifest);
  data::CacheKey key = model.key;
  key.eval_views = settings.sampling.eval_views;
  key.eval_crops = settings.sampling.eval_crops;
  key.frame_order = settings.eval.frame_order;
  const data::ClipBuilder builder(encoder, key);
  const data::OnlineClips clips(builder, manifest, settings.eval.split, model.labels);
  return evaluate(model, {clips, clips.videos(), clips.views()}, world, settings.eval.batch, kReaderThreads);
}

void tell(const Settings& settings, const json& result) {
  if (settings.has.json) {
    std::cout << result.dump() << "\n";
    return;
  }
  char text[200];
  std::snprintf(text, sizeof text, "%s, %s frames: top-1 %.2f %%, top-5 %.2f %% of %lld videos, %lld failed",
                result["split"].get<std::string>().c_str(), result["frame_order"].get<std::string>().c_str(),
                100 * result["top1"].get<double>(), 100 * result["top5"].get<double>(),
                static_cast<long long>(result["videos"]), static_cast<long long>(result["failed"]));
  std::cout << text << std::endl;
}

int evaluate_run(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string& run_path = invocation.need(settings.path.run, "run");
  place_threads(invocation);
  distributed::Communicator world(*invocation.session);
  TrainedModel model = load_newest_model(run_path);
  std::optional<core::FrozenEncoder> encoder;
  if (!settings.path.encoder.empty()) encoder.emplace(load_frozen_encoder(model, settings.path.encoder));
  use_text(settings, model, encoder);
  if (settings.path.cache.empty() && (settings.path.manifest.empty() || !encoder)) {
    throw core::ConfigError(
        "expected --cache, or --manifest with --encoder, found neither: see permafrost eval --help");
  }
  const std::vector<VideoScore> scores = settings.path.cache.empty() ? evaluate_online(settings, model, *encoder, world)
                                                                     : evaluate_cached(settings, model, world);
  if (world.is_root()) {
    json result = summarise(scores, model);
    result["split"] = settings.eval.split;
    result["frame_order"] = settings.eval.frame_order;
    result["step"] = model.step;
    const std::string name = settings.eval.frame_order == "natural" ? "eval.json" : "eval_shuffled.json";
    if (settings.path.out.empty()) {
      RunDirectory(run_path).write(name, result);
    } else {
      core::publish_text(settings.path.out, result.dump(1) + "\n");
    }
    tell(settings, result);
  }
  world.barrier();
  return core::kExitDone;
}

int evaluate_probe(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string& run_path = invocation.need(settings.path.run, "run");
  const data::CacheReader cache(invocation.need(settings.path.cache, "cache"));
  place_threads(invocation);
  distributed::Communicator world(*invocation.session);
  if (world.is_root()) {
    const json result = probe(cache, settings.eval.split);
    RunDirectory(run_path).write("probe.json", result);
    std::printf("linear probe on mean-pooled frozen features: top-1 %.2f %%, the best of %zu regularisations\n",
                100 * result["top1"].get<double>(), result["regularisations"].size());
    std::fflush(stdout);
  }
  world.barrier();
  return core::kExitDone;
}

void print_row(const std::string& path, const char* name, const char* field) {
  if (!std::filesystem::exists(path)) return;
  const json result = json::parse(core::read_text(path), nullptr, /*allow_exceptions=*/false);
  if (!result.is_object() || !result.contains(field))
    throw core::DataError(path + ": expected a field '" + field + "'");
  std::printf("  %-52s %6.2f %%\n", name, 100 * result[field].get<double>());
}

int print_summary(Invocation& invocation) {
  const std::string& run = invocation.need(invocation.settings.path.run, "run");
  if (invocation.session->rank() != 0) return core::kExitDone;
  std::printf("Top-1 on the validation clips\n");
  print_row(run + "/eval.json", "chance", "chance");
  print_row(run + "/probe.json", "linear probe on mean-pooled frozen features", "top1");
  print_row(run + "/eval_shuffled.json", "DiST on shuffled frames", "top1");
  print_row(run + "/eval.json", "DiST", "top1");
  return core::kExitDone;
}

}  // namespace

int run_eval(Invocation& invocation) {
  if (invocation.settings.has.summary) return print_summary(invocation);
  return invocation.settings.has.probe ? evaluate_probe(invocation) : evaluate_run(invocation);
}

}  // namespace permafrost::launch
