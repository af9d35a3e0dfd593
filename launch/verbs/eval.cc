#include <cstdio>
#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <sstream>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/log.h"
#include "data/cache/cache_reader.h"
#include "data/dataset/label_lists.h"
#include "data/loader/cached_clips.h"
#include "data/loader/online_clips.h"
#include "distributed/communicator.h"
#include "distributed/watchdog.h"
#include "launch/placement.h"
#include "launch/training/evaluation.h"
#include "launch/training/probe.h"
#include "launch/training/run_directory.h"
#include "launch/training/score_file.h"
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

void tell(const Settings& settings, const json& result) {
  if (settings.has.json) {
    std::cout << json_text(result, -1) << std::endl;
    return;
  }
  char text[200];
  std::snprintf(text, sizeof text,
                "%s, %s frames: top-1 %.2f %%, top-5 %.2f %% of %lld videos; %lld failed, top-1 %.2f %% of all listed",
                result["split"].get<std::string>().c_str(), result["frame_order"].get<std::string>().c_str(),
                100 * result["top1"].get<double>(), 100 * result["top5"].get<double>(),
                static_cast<long long>(result["videos"]), static_cast<long long>(result["failed"]),
                100 * result["top1_of_all"].get<double>());
  std::cout << text << std::endl;
}

// To --out, or into the run: eval.json is of the validation videos and all classes, eval_train.json of other videos,
// eval_kinetics400.json of some classes. No evaluation takes the place of another.
void write_result(const Settings& settings, const std::string& name, const json& result) {
  const std::string& split = settings.eval.split;
  if (settings.path.out.empty()) {
    RunDirectory(settings.path.run).write(name + (split == "val" ? "" : "_" + split) + ".json", result);
  } else {
    core::publish_text(settings.path.out, json_text(result, 1) + "\n");
  }
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
    throw core::ConfigError("expected --cache, or --manifest with --encoder, found neither" + remedy);
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
    tell(settings, result);  // first: it is known, whether or not it can be kept
    std::string name = settings.eval.frame_order == "natural" ? "eval" : "eval_shuffled";
    if (part) name += "_" + std::filesystem::path(settings.eval.labels).stem().string();
    write_result(settings, name, result);
  }
  world.barrier();
  return core::kExitDone;
}

// An ensemble: no network runs.
int combine_scores(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  if (invocation.session->rank() != 0) return core::kExitDone;
  std::vector<ScoreSet> sets;
  for (const std::string& path : settings.path.combined) sets.push_back(read_scores(path));
  std::vector<double> weights;
  std::istringstream texts(settings.eval.weights);
  for (std::string text; std::getline(texts, text, ',');) weights.push_back(core::number_of("weights", text));
  const ScoreSet mean = combine(std::move(sets), weights);
  if (!settings.path.scores.empty()) write_scores(settings.path.scores, mean);
  json result = summarise(mean.scores, mean.classes, mean.listed);
  result["split"] = mean.split;
  result["frame_order"] = mean.frame_order;
  result["combined"] = settings.path.combined;
  tell(settings, result);
  if (!settings.path.out.empty()) core::publish_text(settings.path.out, json_text(result, 1) + "\n");
  return core::kExitDone;
}

void require_run(const std::string& run) {
  if (std::filesystem::is_directory(run)) return;
  throw core::DataError(run + ": expected the folder of a run, found none: train first, or give another --run");
}

int evaluate_probe(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  require_run(invocation.need(settings.path.run, "run"));
  const data::CacheReader cache(invocation.need(settings.path.cache, "cache"));
  place_threads(invocation);
  distributed::Communicator world(*invocation.session);
  if (world.is_root()) {
    json result = probe(cache, settings.eval.split);
    result["split"] = settings.eval.split;
    std::printf("linear probe on mean-pooled frozen features: top-1 %.2f %%, the best of %zu regularisations\n",
                100 * result["top1"].get<double>(), result["regularisations"].size());
    std::fflush(stdout);
    write_result(settings, "probe", result);
  }
  world.barrier();
  return core::kExitDone;
}

// One result file of a run, or null where it is not there. Only validation results may stand under that title.
json result_of(const std::string& path) {
  if (!std::filesystem::exists(path)) return nullptr;
  const json result = json::parse(core::read_text(path), nullptr, /*allow_exceptions=*/false);
  const json split = result.is_object() ? result.value("split", json("val")) : json();
  if (split == json("val")) return result;
  throw core::DataError(path + ": expected the result of the split val, found " + json_text(split, -1) +
                        ": evaluate again");
}

void print_row(const std::string& path, const char* name, const char* field, int64_t step) {
  const json result = result_of(path);
  if (result.is_null()) return;
  const json value = result.value(field, json());
  if (!value.is_number()) {
    throw core::DataError(path + ": expected a number as '" + field + "', found " + json_text(value, -1) +
                          ": evaluate again");
  }
  const bool is_older = result.value("step", json(step)) != json(step);
  std::printf("  %-52s %6.2f %%%s\n", name, 100 * value.get<double>(), is_older ? "  (of another step)" : "");
}

int print_summary(Invocation& invocation) {
  const std::string& run = invocation.need(invocation.settings.path.run, "run");
  require_run(run);
  if (invocation.session->rank() != 0) return core::kExitDone;
  const json result = result_of(run + "/eval.json");
  if (result.is_null()) {
    throw core::DataError(run + ": expected eval.json, found none: run permafrost eval --run " + run + " first");
  }
  const json step = result.value("step", json());
  if (!step.is_number_integer()) {
    throw core::DataError(run + "/eval.json: expected a whole number as 'step', found none: evaluate again");
  }
  std::printf("Top-1 on the validation clips, at step %lld\n", static_cast<long long>(step));
  print_row(run + "/eval.json", "chance", "chance", step);
  print_row(run + "/probe.json", "linear probe on mean-pooled frozen features", "top1", step);
  print_row(run + "/eval_shuffled.json", "DiST on shuffled frames", "top1", step);
  print_row(run + "/eval.json", "DiST", "top1", step);
  return core::kExitDone;
}

}  // namespace

int run_eval(Invocation& invocation) {
  std::vector<std::string>& combined = invocation.settings.path.combined;
  if (combined.empty() && !invocation.words.empty()) {
    throw core::ConfigError("command line: eval has no use for the word '" + invocation.words.front() +
                            "': see permafrost eval --help");
  }
  combined.insert(combined.end(), invocation.words.begin(), invocation.words.end());  // --combine A B
  if (invocation.settings.has.summary) return print_summary(invocation);
  if (!invocation.settings.path.combined.empty()) return combine_scores(invocation);
  return invocation.settings.has.probe ? evaluate_probe(invocation) : evaluate_run(invocation);
}

}  // namespace permafrost::launch
