#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/error.h"
#include "core/base/log.h"
#include "data/cache/cache_reader.h"
#include "data/dataset/label_lists.h"
#include "data/loader/cached_clips.h"
#include "data/loader/online_clips.h"
#include "distributed/communicator.h"
#include "distributed/watchdog.h"
#include "launch/placement.h"
#include "launch/training/evaluation.h"
#include "launch/training/score_file.h"
#include "launch/verbs/eval_results.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

// What came of each video of a split, and how many the lists name.
struct SplitScores {
  std::vector<VideoScore> scores;
  int64_t listed = 0;
};

// Nothing where the evaluation was broken off. `listed`: how many the lists name of each split.
std::optional<SplitScores> scores_of(const Settings& settings, TrainedModel& model, const auto& clips,
                                     const std::map<std::string, int64_t>& listed, distributed::Communicator& world,
                                     const std::function<bool()>& goes_on) {
  auto scores =
      evaluate(model, {clips, clips.videos(), clips.views()}, world, settings.eval.batch, kReaderThreads, goes_on);
  if (!scores) return std::nullopt;
  const auto at = listed.find(settings.eval.split);
  return SplitScores{std::move(*scores), at == listed.end() ? 0 : at->second};
}

std::optional<SplitScores> evaluate_cached(const Settings& settings, TrainedModel& model,
                                           distributed::Communicator& world, const std::function<bool()>& goes_on) {
  if (settings.eval.frame_order != "natural") {
    throw core::ConfigError("eval.frame_order " + settings.eval.frame_order +
                            " needs the videos, as a cache has its frames in their own order: give --manifest and "
                            "--encoder instead of --cache");
  }
  const data::CacheReader cache(settings.path.cache);
  require_usable(model, cache.key(), settings.path.cache);
  const data::CachedClips clips(cache, settings.eval.split, data::ViewPolicy::kEvery, model.labels);
  return scores_of(settings, model, clips, cache.index().listed, world, goes_on);
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

std::optional<SplitScores> evaluate_online(const Settings& settings, TrainedModel& model, core::FrozenEncoder& encoder,
                                           distributed::Communicator& world, const std::function<bool()>& goes_on) {
  const data::Manifest manifest = data::read_manifest(settings.path.manifest, settings.has.allow_outside_root);
  data::CacheKey key = model.key;
  key.eval_views = settings.sampling.eval_views;
  key.eval_crops = settings.sampling.eval_crops;
  key.frame_order = settings.eval.frame_order;
  const data::ClipBuilder builder(encoder, key);
  const data::OnlineClips clips(builder, manifest, settings.eval.split, data::ViewPolicy::kEvery, model.labels);
  return scores_of(settings, model, clips, data::count_listed(manifest), world, goes_on);
}

// The run and one way to its clips.
void require_inputs(const Invocation& invocation) {
  const PathSettings& path = invocation.settings.path;
  const std::string remedy = ": see permafrost eval --help";
  invocation.need(path.run, "run");
  if (!path.cache.empty() && !path.manifest.empty()) {
    throw core::ConfigError("expected --cache or --manifest, found both: leave one out" + remedy);
  }
  if (path.cache.empty() && (path.manifest.empty() || path.encoder.empty())) {
    const char* found =
        path.manifest.empty() ? (path.encoder.empty() ? "neither" : "--encoder alone") : "--manifest alone";
    throw core::ConfigError("expected --cache, or --manifest with --encoder, found " + std::string(found) + remedy);
  }
}

// Of all classes, or of those that eval.labels names. How many of its own videos a split lists is not known where it
// holds others too.
json summarise_part(SplitScores& found, const ScoredClasses& classes, const std::optional<ClassPart>& part) {
  if (!part) return summarise(found.scores, classes, found.listed);
  const int64_t left_out = restrict_to(*part, found.scores);
  if (found.scores.empty()) throw core::DataError("eval.labels: no video of the split is of one of its classes");
  const core::HeadConfig head{.kind = classes.head.kind, .classes = part->labels.size()};
  json result = summarise(found.scores, {part->labels, head}, left_out == 0 ? found.listed : 0);
  result["left_out"] = left_out;
  result["labels_sha256"] = part->labels.hash();
  return result;
}

int evaluate_run(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  require_inputs(invocation);
  place_threads(invocation);
  distributed::Communicator world(*invocation.session);
  const distributed::StopSignal stop;
  distributed::Watchdog watchdog(*invocation.session, world, stop, settings.deadline);
  TrainedModel model =
      load_model_together(settings.path.run, settings.eval.checkpoint, place_device(invocation), world);
  std::optional<core::FrozenEncoder> encoder;
  if (!settings.path.encoder.empty()) encoder.emplace(load_frozen_encoder(model, invocation.need_encoder()));
  use_text(settings, model, encoder);
  const ScoredClasses classes{model.labels, model.classifier->head->config};
  std::optional<ClassPart> part;
  if (!settings.eval.labels.empty()) part = part_of(classes, data::find_labels(settings.eval.labels));
  const auto goes_on = [&] {
    watchdog.enter(distributed::Phase::kEvaluation, model.step);
    return !stop.requested();
  };
  std::optional<SplitScores> scored = settings.path.cache.empty()
                                          ? evaluate_online(settings, model, *encoder, world, goes_on)
                                          : evaluate_cached(settings, model, world, goes_on);
  if (!scored && world.is_root()) core::log_warning() << "stopped early: start the same command again";
  if (!scored) return core::kExitRequeue;
  SplitScores& found = *scored;
  if (world.is_root()) {
    if (!settings.path.scores.empty()) {
      write_scores(settings.path.scores,
                   {classes, found.scores, std::max(found.listed, static_cast<int64_t>(found.scores.size())),
                    settings.eval.split, settings.eval.frame_order});
    }
    json result = summarise_part(found, classes, part);
    result["split"] = settings.eval.split;
    result["frame_order"] = settings.eval.frame_order;
    result["step"] = model.step;
    tell_result(settings, result);  // first: it is known, whether or not it can be kept
    std::string name = settings.eval.frame_order == "natural" ? "eval" : "eval_shuffled";
    if (part) name += "_" + std::filesystem::path(settings.eval.labels).stem().string();
    keep_result(settings, name, result);
  }
  world.barrier();
  return core::kExitDone;
}

// What eval does, by its switch, and what it then has a use for.
struct Mode {
  const char* name;
  std::vector<std::string> options;
  int (*run)(Invocation&);
};

Mode mode_of(const Settings& settings) {
  if (settings.has.summary) return {"eval --summary", {"summary", "run"}, &print_summary};
  if (!settings.path.combined.empty()) {
    return {"eval --combine", {"combine", "weights", "scores", "out", "json"}, &combine_scores};
  }
  if (settings.has.probe) {
    return {"eval --probe", {"probe", "run", "cache", "eval.split", "out", "json"}, &evaluate_probe};
  }
  return {"eval without --combine",
          {"run", "cache", "manifest", "allow-outside-root", "encoder", "checkpoint", "text", "scores", "out", "json",
           "device", "deadline.", "eval.", "sampling.eval_views", "sampling.eval_crops"},
          &evaluate_run};
}

}  // namespace

int run_eval(Invocation& invocation) {
  std::vector<std::string>& combined = invocation.settings.path.combined;
  if (combined.empty() && !invocation.words.empty()) {
    throw core::ConfigError("command line: eval has no use for the word '" + invocation.words.front() +
                            "': see permafrost eval --help");
  }
  combined.insert(combined.end(), invocation.words.begin(), invocation.words.end());  // --combine A B
  const Mode mode = mode_of(invocation.settings);
  invocation.use_only(mode.name, mode.options);
  return mode.run(invocation);
}

}  // namespace permafrost::launch
