#include <torch/types.h>

#include <algorithm>
#include <cctype>
#include <cstdio>
#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <set>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/encoder/frozen_encoder.h"
#include "data/cache/clip_builder.h"
#include "launch/isolation.h"
#include "launch/placement.h"
#include "launch/training/evaluation.h"
#include "launch/training/run_directory.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

// As the containers that data/video reads are usually named.
bool has_video_name(const fs::path& path) {
  static const std::set<std::string> kEndings{".mp4",  ".m4v", ".mov",  ".mkv", ".webm", ".avi", ".ts",  ".mts",
                                              ".m2ts", ".mpg", ".mpeg", ".vob", ".flv",  ".ogv", ".ogg", ".3gp"};
  std::string ending = path.extension().string();
  std::transform(ending.begin(), ending.end(), ending.begin(), [](unsigned char c) { return std::tolower(c); });
  return kEndings.contains(ending);
}

std::vector<std::string> videos_in_folder(const std::string& folder) {
  std::vector<std::string> found;
  int64_t skipped = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder)) {
    if (!entry.is_regular_file()) continue;
    if (has_video_name(entry.path())) {
      found.push_back(entry.path().string());
    } else {
      ++skipped;
    }
  }
  const std::string others = std::to_string(skipped) + " files of other names";
  if (found.empty()) {
    throw core::DataError(folder + ": expected files named as videos (.mp4, .mkv, ...), found " + others +
                          ": give another folder, or the files themselves");
  }
  if (skipped > 0) core::log_info() << folder << ": " << others << " than a video's are skipped";
  std::sort(found.begin(), found.end());
  return found;
}

// Files as they are, folders as the videos in them.
std::vector<std::string> videos_in(const std::vector<std::string>& words) {
  std::vector<std::string> videos;
  for (const std::string& word : words) {
    const std::vector<std::string> found =
        fs::is_directory(word) ? videos_in_folder(word) : std::vector<std::string>{word};
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
  TrainedModel model =
      load_model(invocation.need(settings.path.run, "run"), settings.eval.checkpoint, place_device(invocation));
  core::FrozenEncoder encoder = load_frozen_encoder(model, invocation.need_encoder());
  std::optional<data::DecodeChild> child;
  if (const auto limits = isolation_of(settings)) child.emplace(*limits);
  const data::ClipBuilder builder(encoder, model.key, {.child = child ? &*child : nullptr});
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
  if (settings.has.json) std::cout << json_text(results, 2) << "\n";
  return failed == 0 ? core::kExitDone : core::kExitError;
}

}  // namespace permafrost::launch
