#include "launch/training/evaluation.h"

#include <torch/types.h>

#include <algorithm>
#include <map>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/parallel.h"
#include "core/recipe/metrics.h"
#include "data/dataset/label_match.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

constexpr size_t kListedMistakes = 50;

struct BrokenOff {};

// A clip, or why there is none.
struct ReadClip {
  data::Clip clip;
  std::string failure;
};

ReadClip read_clip(const data::ClipSource& source, int64_t sample) {
  try {
    return {source.read(sample, 0), ""};
  } catch (const core::Error& error) {
    return {{}, error.what()};
  }
}

// Gathers clips into batches and adds their scores to those of their videos.
class Scorer {
 public:
  Scorer(TrainedModel& model, int64_t batch, std::vector<VideoScore>& videos)
      : model_(model), batch_(batch), videos_(videos) {}

  void add(int64_t video, const data::Clip& clip) {
    pixels_.push_back(clip.pixels);
    features_.push_back(clip.features);
    owners_.push_back(video);
    if (static_cast<int64_t>(owners_.size()) == batch_) flush();
  }

  void flush() {
    if (owners_.empty()) return;
    const torch::Tensor scores = clip_scores(model_, torch::stack(pixels_), torch::stack(features_));
    for (size_t i = 0; i < owners_.size(); ++i) {
      std::vector<float>& sum = videos_[owners_[i]].scores;
      sum.resize(scores.size(1), 0.0f);
      for (int64_t k = 0; k < scores.size(1); ++k) sum[k] += scores[static_cast<int64_t>(i)][k].item<float>();
    }
    pixels_.clear();
    features_.clear();
    owners_.clear();
  }

 private:
  TrainedModel& model_;
  int64_t batch_;
  std::vector<VideoScore>& videos_;
  std::vector<torch::Tensor> pixels_, features_;
  std::vector<int64_t> owners_;
};

std::vector<VideoScore> score_part(TrainedModel& model, const EvaluationSet& set, int64_t first, int64_t end,
                                   int64_t batch, int64_t threads, const std::function<bool()>& goes_on) {
  std::vector<VideoScore> videos(end - first);
  Scorer scorer(model, batch, videos);
  core::parallel_in_order((end - first) * set.views, threads,
                          [&](int64_t i) { return read_clip(set.source, first * set.views + i); },
                          [&](int64_t i, const ReadClip& read) {
                            if (!goes_on()) throw BrokenOff();
                            VideoScore& video = videos[i / set.views];
                            if (!read.failure.empty()) {
                              if (video.failure.empty()) core::log_warning() << "not evaluated: " << read.failure;
                              video.failure = read.failure;
                              return;
                            }
                            video.video_id = read.clip.video_id;
                            video.target = read.clip.target;
                            scorer.add(i / set.views, read.clip);
                          });
  scorer.flush();
  for (VideoScore& video : videos) {
    if (!video.failure.empty()) video.scores.clear();
    for (float& score : video.scores) score /= static_cast<float>(set.views);
  }
  return videos;
}

std::string to_bytes(const std::vector<VideoScore>& videos) {
  json list = json::array();
  for (const VideoScore& video : videos) {
    list.push_back({video.video_id, video.target, video.scores, video.failure});
  }
  std::string bytes;
  json::to_cbor(list, bytes);
  return bytes;
}

// A video's scores by label set; verbs and nouns are empty where the head has none.
struct LabelScores {
  std::vector<float> classes, verbs, nouns;
};

LabelScores parts_of(const VideoScore& video, const core::HeadConfig& head) {
  const auto first = video.scores.begin(), verbs = first + head.classes, nouns = verbs + head.verbs();
  return {{first, verbs}, {verbs, nouns}, {nouns, video.scores.end()}};
}

std::vector<json> mistakes_of(const std::vector<VideoScore>& videos, const data::LabelMap& labels,
                              const core::HeadConfig& head) {
  std::vector<json> mistakes;
  for (const VideoScore& video : videos) {
    if (video.scores.empty()) continue;
    const int64_t best = core::best_class(parts_of(video, head).classes);
    if (best == video.target) continue;
    mistakes.push_back({{"video_id", video.video_id},
                        {"label", labels.names()[video.target]},
                        {"predicted", labels.names()[best]},
                        {"score", video.scores[best]}});
  }
  std::stable_sort(mistakes.begin(), mistakes.end(),
                   [](const json& a, const json& b) { return a["score"].get<float>() > b["score"].get<float>(); });
  if (mistakes.size() > kListedMistakes) mistakes.resize(kListedMistakes);
  return mistakes;
}

}  // namespace

std::vector<torch::Tensor> clip_logits(TrainedModel& model, const torch::Tensor& pixels,
                                       const torch::Tensor& features) {
  const c10::InferenceMode inference;
  const torch::Tensor layers = features.to(model.device).transpose(0, 1);  // [N, b, t, L, C]
  std::vector<torch::Tensor> logits = model.classifier->forward(pixels.to(model.device), layers);
  if (model.zero_shot) logits[0] = model.zero_shot->fuse(logits[0], layers[layers.size(0) - 1]);
  return logits;
}

torch::Tensor clip_scores(TrainedModel& model, const torch::Tensor& pixels, const torch::Tensor& features) {
  const c10::InferenceMode inference;
  return model.classifier->head->scores(clip_logits(model, pixels, features)).cpu();
}

std::optional<std::vector<VideoScore>> evaluate(TrainedModel& model, const EvaluationSet& set,
                                                distributed::Communicator& world, int64_t batch, int64_t reader_threads,
                                                const std::function<bool()>& goes_on) {
  const int64_t first = set.videos * world.rank() / world.size();
  const int64_t end = set.videos * (world.rank() + 1) / world.size();
  std::vector<VideoScore> mine;
  bool is_broken_off = false;
  try {
    mine = score_part(model, set, first, end, batch, reader_threads, goes_on);
  } catch (const BrokenOff&) {
    is_broken_off = true;
  }
  if (world.all_reduce_max(is_broken_off ? 1 : 0) != 0) return std::nullopt;
  std::vector<VideoScore> all;
  for (const std::string& part : world.gather(to_bytes(mine))) {
    for (const json& item : json::from_cbor(part)) {
      all.push_back({item[0], item[1], item[2].get<std::vector<float>>(), item[3]});
    }
  }
  const bool has_none = world.is_root() && std::all_of(all.begin(), all.end(),
                                                       [](const VideoScore& video) { return video.scores.empty(); });
  if (has_none) throw core::DataError("no video could be evaluated: the first one: " + all.front().failure);
  return all;
}

ClassPart part_of(const ScoredClasses& all, const data::LabelMap& labels) {
  if (all.head.kind == core::HeadKind::kVerbNoun) {
    throw core::ConfigError("eval.labels chooses among whole classes, this run has verbs and nouns: leave it out");
  }
  return {labels, data::places_of(labels, all.labels)};
}

int64_t restrict_to(const ClassPart& part, std::vector<VideoScore>& scores) {
  std::map<int64_t, int64_t> place_in_part;
  for (size_t i = 0; i < part.places.size(); ++i) place_in_part.emplace(part.places[i], static_cast<int64_t>(i));
  const auto left_out = std::erase_if(
      scores, [&](const VideoScore& video) { return !video.scores.empty() && !place_in_part.contains(video.target); });
  for (VideoScore& video : scores) {
    if (video.scores.empty()) continue;
    std::vector<float> kept;
    for (const int64_t place : part.places) kept.push_back(video.scores[static_cast<size_t>(place)]);
    video.target = place_in_part.at(video.target);
    video.scores = std::move(kept);
  }
  return static_cast<int64_t>(left_out);
}

json summarise(const std::vector<VideoScore>& scores, const ScoredClasses& classes, int64_t listed) {
  const core::HeadConfig& head = classes.head;
  const int64_t all = std::max<int64_t>(listed, static_cast<int64_t>(scores.size()));
  core::ConfusionMatrix confusion(classes.labels.size());
  int64_t read = 0, top1 = 0, top5 = 0, verbs = 0, nouns = 0;
  for (const VideoScore& video : scores) {
    if (video.scores.empty()) continue;
    const LabelScores parts = parts_of(video, head);
    ++read;
    top1 += core::is_hit(parts.classes, video.target, 1) ? 1 : 0;
    top5 += core::is_hit(parts.classes, video.target, 5) ? 1 : 0;
    confusion.add(video.target, core::best_class(parts.classes));
    if (head.kind != core::HeadKind::kVerbNoun) continue;
    verbs += core::is_hit(parts.verbs, head.verb_of[video.target], 1) ? 1 : 0;
    nouns += core::is_hit(parts.nouns, head.noun_of[video.target], 1) ? 1 : 0;
  }
  const double videos = static_cast<double>(std::max<int64_t>(read, 1));
  json result{{"top1", static_cast<double>(top1) / videos},
              {"top5", static_cast<double>(top5) / videos},
              {"videos", read},
              {"failed", all - read},
              {"top1_of_all", static_cast<double>(top1) / static_cast<double>(std::max<int64_t>(all, 1))},
              {"chance", 1.0 / static_cast<double>(classes.labels.size())},
              {"classes", classes.labels.names()},
              {"confusion", confusion.counts()},
              {"mistakes", mistakes_of(scores, classes.labels, head)}};
  if (head.kind == core::HeadKind::kVerbNoun) {
    result["verb_top1"] = static_cast<double>(verbs) / videos;
    result["noun_top1"] = static_cast<double>(nouns) / videos;
  }
  return result;
}

}  // namespace permafrost::launch
