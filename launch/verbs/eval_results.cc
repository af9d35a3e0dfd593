#include "launch/verbs/eval_results.h"

#include <cstdio>
#include <filesystem>
#include <iostream>
#include <sstream>

#include "core/base/error.h"
#include "core/base/file.h"
#include "data/cache/cache_reader.h"
#include "distributed/communicator.h"
#include "launch/placement.h"
#include "launch/training/probe.h"
#include "launch/training/run_directory.h"
#include "launch/training/score_file.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

void require_run(const std::string& run) {
  if (std::filesystem::is_directory(run)) return;
  throw core::DataError(run + ": expected the folder of a run, found none: train first, or give another --run");
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

}  // namespace

void tell_result(const Settings& settings, const json& result) {
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

void keep_result(const Settings& settings, const std::string& name, const json& result) {
  const std::string& split = settings.eval.split;
  if (settings.path.out.empty()) {
    RunDirectory(settings.path.run).write(name + (split == "val" ? "" : "_" + split) + ".json", result);
  } else {
    core::publish_text(settings.path.out, json_text(result, 1) + "\n");
  }
}

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
  tell_result(settings, result);
  if (!settings.path.out.empty()) keep_result(settings, "combined", result);
  return core::kExitDone;
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
    if (settings.has.json) {
      tell_result(settings, result);
    } else {
      std::printf("linear probe on mean-pooled frozen features: top-1 %.2f %%, the best of %zu regularisations\n",
                  100 * result["top1"].get<double>(), result["regularisations"].size());
      std::fflush(stdout);
    }
    keep_result(settings, "probe", result);
  }
  world.barrier();
  return core::kExitDone;
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

}  // namespace permafrost::launch
