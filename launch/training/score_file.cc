#include "launch/training/score_file.h"

#include <torch/types.h>

#include <algorithm>
#include <map>
#include <numeric>

#include "core/base/error.h"
#include "core/checkpoint/safetensors.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

json part_of(const core::SafetensorsFile& file, const std::string& name) {
  const auto found = file.metadata.find(name);
  const json part =
      found == file.metadata.end() ? json() : json::parse(found->second, nullptr, /*allow_exceptions=*/false);
  if (!part.is_null() && !part.is_discarded()) return part;
  throw core::DataError(file.path + ": expected scores as eval --scores writes them, found no " + name);
}

void require_shape(const core::SafetensorsFile& file, bool holds) {
  if (holds) return;
  throw core::DataError(file.path + ": its scores, targets, videos and classes are not as many: write it anew");
}

// Where the classes of `set` stand in the scores of `other`, and what follows the classes as it is.
std::vector<size_t> places_in(const ScoreSet& other, const ScoreSet& set) {
  if (other.classes.labels.size() != set.classes.labels.size() || other.classes.head.kind != set.classes.head.kind) {
    throw core::DataError(other.where + ": has " + std::to_string(other.classes.labels.size()) + " classes, expected " +
                          std::to_string(set.classes.labels.size()) + " as " + set.where + ", and the same head");
  }
  std::vector<size_t> places;
  for (const std::string& name : set.classes.labels.names()) {
    if (!other.classes.labels.has(name))
      throw core::DataError(other.where + ": lacks the class '" + name + "' of " + set.where);
    places.push_back(static_cast<size_t>(other.classes.labels.index_of(name)));
  }
  if (set.classes.head.kind == core::HeadKind::kVerbNoun && !std::is_sorted(places.begin(), places.end())) {
    throw core::DataError(other.where + ": has its verbs and nouns in another order than " + set.where);
  }
  const int64_t more = set.classes.head.verbs() + set.classes.head.nouns();
  for (int64_t i = 0; i < more; ++i) places.push_back(places.size());
  return places;
}

// Adds `weight` times the scores of `other`, which has the same videos.
void add(ScoreSet& sum, const ScoreSet& other, float weight) {
  const std::vector<size_t> places = places_in(other, sum);
  std::map<std::string, const VideoScore*> by_id;
  for (const VideoScore& video : other.scores) by_id[video.video_id] = &video;
  if (by_id.size() != sum.scores.size()) {
    throw core::DataError(other.where + ": holds " + std::to_string(by_id.size()) + " videos, expected the " +
                          std::to_string(sum.scores.size()) + " of " + sum.where + ": evaluate both on the same");
  }
  for (VideoScore& video : sum.scores) {
    const auto found = by_id.find(video.video_id);
    if (found == by_id.end())
      throw core::DataError(other.where + ": lacks the video " + video.video_id + " of " + sum.where);
    const std::string& label = sum.classes.labels.names().at(static_cast<size_t>(video.target));
    const std::string& other_label = other.classes.labels.names().at(static_cast<size_t>(found->second->target));
    if (label != other_label) {
      throw core::DataError(other.where + ": the video " + video.video_id + " is '" + other_label + "', expected '" +
                            label + "' as in " + sum.where + ": evaluate both with the same labels");
    }
    for (size_t k = 0; k < video.scores.size(); ++k) video.scores[k] += weight * found->second->scores[places[k]];
  }
}

}  // namespace

void write_scores(const std::string& path, const ScoreSet& set) {
  std::vector<torch::Tensor> rows;
  std::vector<int64_t> targets;
  json ids = json::array();
  for (const VideoScore& video : set.scores) {
    if (video.scores.empty()) continue;
    rows.push_back(torch::tensor(video.scores, torch::kFloat32));
    targets.push_back(video.target);
    ids.push_back(video.video_id);
  }
  core::write_safetensors(path, {{"scores", torch::stack(rows)}, {"targets", torch::tensor(targets, torch::kInt64)}},
                          {{"video_ids", ids.dump()},
                           {"classes", json(set.classes.labels.names()).dump()},
                           {"head", to_json(set.classes.head).dump()},
                           {"split", json(set.split).dump()},
                           {"frame_order", json(set.frame_order).dump()},
                           {"listed", json(set.listed).dump()}});
}

ScoreSet read_scores(const std::string& path) {
  const core::SafetensorsFile file = core::read_safetensors(path);
  const torch::Tensor scores = file.at("scores").to(torch::kFloat32).contiguous(),
                      targets = file.at("targets").to(torch::kInt64);
  try {
    ScoreSet set{.classes = {data::LabelMap(part_of(file, "classes").get<std::vector<std::string>>()),
                             head_config_from_json(part_of(file, "head"))},
                 .scores = {},
                 .listed = part_of(file, "listed"),
                 .split = part_of(file, "split"),
                 .frame_order = part_of(file, "frame_order"),
                 .where = path};
    const auto ids = part_of(file, "video_ids").get<std::vector<std::string>>();
    const core::HeadConfig& head = set.classes.head;
    require_shape(file, scores.dim() == 2 && targets.dim() == 1 && scores.size(0) == targets.size(0) &&
                            scores.size(0) == static_cast<int64_t>(ids.size()) &&
                            scores.size(1) == set.classes.labels.size() + head.verbs() + head.nouns());
    for (size_t i = 0; i < ids.size(); ++i) {
      const float* row = scores[static_cast<int64_t>(i)].const_data_ptr<float>();
      const auto target = targets[static_cast<int64_t>(i)].item<int64_t>();
      require_shape(file, target >= 0 && target < set.classes.labels.size());
      set.scores.push_back({ids[i], target, {row, row + scores.size(1)}, ""});
    }
    return set;
  } catch (const json::exception& error) {
    throw core::DataError(path + ": " + error.what() + ": expected scores as eval --scores writes them");
  }
}

ScoreSet combine(std::vector<ScoreSet> sets, std::vector<double> weights) {
  if (weights.empty()) weights.assign(sets.size(), 1);
  const double sum = std::accumulate(weights.begin(), weights.end(), 0.0);
  const bool is_sound =
      std::all_of(weights.begin(), weights.end(), [](double weight) { return weight >= 0; }) && sum > 0;
  if (weights.size() != sets.size()) {
    throw core::ConfigError("--weights: expected " + std::to_string(sets.size()) +
                            " weights, one for each file of scores, found " + std::to_string(weights.size()));
  }
  if (!is_sound) throw core::ConfigError("--weights: expected numbers of 0 or more, not all 0, found others");
  ScoreSet mean = std::move(sets.front());
  for (VideoScore& video : mean.scores) {
    for (float& score : video.scores) score *= static_cast<float>(weights.front() / sum);
  }
  for (size_t i = 1; i < sets.size(); ++i) {
    if (sets[i].split != mean.split || sets[i].frame_order != mean.frame_order) {
      throw core::DataError(sets[i].where + ": is of the split " + sets[i].split + ", " + sets[i].frame_order +
                            " frames, expected " + mean.split + ", " + mean.frame_order + " frames as " + mean.where);
    }
    add(mean, sets[i], static_cast<float>(weights[i] / sum));
  }
  return mean;
}

}  // namespace permafrost::launch
