#include <torch/types.h>

#include <algorithm>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/encoder/frozen_encoder.h"
#include "data/cache/clip_builder.h"
#include "launch/training/evaluation.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// Files as they are, folders as the files in them.
std::vector<std::string> videos_in(const std::vector<std::string>& words) {
  std::vector<std::string> videos;
  for (const std::string& word : words) {
    if (!fs::is_directory(word)) {
      videos.push_back(word);
      continue;
    }
    std::vector<std::string> found;
    for (const auto& entry : fs::recursive_directory_iterator(word)) {
      if (entry.is_regular_file()) found.push_back(entry.path().string());
    }
    std::sort(found.begin(), found.end());
    videos.insert(videos.end(), found.begin(), found.end());
  }
  if (videos.empty())
    throw core::ConfigError("expected a video file or a folder, found none: permafrost predict ... VIDEO");
  return videos;
}

json predict(TrainedModel& model, const data::ClipBuilder& builder, const std::string& path, int64_t top) {
  data::ManifestEntry entry;
  entry.id = entry.path = fs::path(path).filename().string();
  entry.split = "test";
  std::vector<torch::Tensor> pixels, features;
  const std::string parent = fs::path(path).parent_path().string();
  for (const data::ClipRecord& record : builder.build(parent.empty() ? "." : parent, entry)) {
    pixels.push_back(record.pixels);
    features.push_back(record.features);
  }
  const torch::Tensor scores =
      clip_scores(model, torch::stack(pixels), torch::stack(features)).slice(1, 0, model.labels.size()).mean(0);
  const auto [values, indices] = scores.topk(std::min(top, scores.size(0)));
  json classes = json::array();
  for (int64_t i = 0; i < values.size(0); ++i) {
    classes.push_back(
        {{"label", model.labels.names()[indices[i].item<int64_t>()]}, {"score", values[i].item<float>()}});
  }
  return {{"video", path}, {"top", classes}};
}

void print(const json& result) {
  std::cout << result["video"].get<std::string>() << "\n";
  for (const json& item : result["top"]) {
    std::printf("  %6.2f %%  %s\n", 100 * item["score"].get<double>(), item["label"].get<std::string>().c_str());
  }
  std::fflush(stdout);
}

}  // namespace

int run_predict(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  place_threads(invocation);
  const std::vector<std::string> videos = videos_in(invocation.words);
  TrainedModel model = load_newest_model(invocation.need(settings.path.run, "run"));
  core::FrozenEncoder encoder = load_frozen_encoder(model, invocation.need(settings.path.encoder, "encoder"));
  const data::ClipBuilder builder(encoder, model.key);
  int failed = 0;
  json results = json::array();
  for (const std::string& video : videos) {
    try {
      results.push_back(predict(model, builder, video, settings.predict.top));
      if (!settings.has.json) print(results.back());
    } catch (const core::Error& error) {
      core::log_error() << error.what();
      ++failed;
    }
  }
  if (settings.has.json) std::cout << results.dump(2) << "\n";
  return failed == 0 ? core::kExitDone : core::kExitError;
}

}  // namespace permafrost::launch
