// Multi-view evaluation over any number of ranks, every video counted once.
//
//   EvaluationSet set{source, videos, views};
//   Scores scores = evaluate(model, set, world, options);
//   run.write("eval.json", summarise(scores, model));
#pragma once

#include <functional>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "data/dataset/label_map.h"
#include "data/loader/clip_source.h"
#include "distributed/communicator.h"
#include "launch/training/trained_model.h"

namespace permafrost::launch {

// A source whose sample video * views + view is a view of a video.
struct EvaluationSet {
  const data::ClipSource& source;
  int64_t videos;
  int64_t views;
};

constexpr int64_t kReaderThreads = 1;  // that read the clips of an evaluation, beside those that compute

struct VideoScore {
  std::string video_id;
  int64_t target = 0;
  std::vector<float> scores;  // as clip_scores gives them, averaged over the views
  std::string failure;        // why it could not be read; then there are no scores
};

// The head's logits of clips [b, F, 3, S, S], [b, N, t, L, C], wherever they lie, on the model's device.
std::vector<torch::Tensor> clip_logits(TrainedModel& model, const torch::Tensor& pixels, const torch::Tensor& features);

// And its scores (core/dist/head.h), [b, K], for a verb_noun head [b, K + verbs + nouns], on the CPU.
torch::Tensor clip_scores(TrainedModel& model, const torch::Tensor& pixels, const torch::Tensor& features);

// Each rank takes a part of the videos; rank 0 gets all scores in the order of the set, the others none. A video that
// cannot be read is a failure, not an end; DataError where all fail. `goes_on` is called for each clip: where it says
// no on any rank the evaluation is broken off, and nothing is returned on all. Collective.
std::optional<std::vector<VideoScore>> evaluate(TrainedModel& model, const EvaluationSet& set,
                                                distributed::Communicator& world, int64_t batch, int64_t reader_threads,
                                                const std::function<bool()>& goes_on);

// What the scores of a video are scores of.
struct ScoredClasses {
  data::LabelMap labels;
  core::HeadConfig head;
};

// Some of a model's classes, which it is asked to choose from: those of Kinetics-400 of one trained on Kinetics-710.
struct ClassPart {
  data::LabelMap labels;
  std::vector<int64_t> places;  // among the model's, by place in `labels`
};

// Throws ConfigError for a verb_noun head, DataError for a class that the model lacks.
ClassPart part_of(const ScoredClasses& all, const data::LabelMap& labels);
// Keeps the scores of the part's classes; targets become places in it. Scores stay as they are, so they sum to less
// than 1. Videos of other classes are left out; returns their number.
int64_t restrict_to(const ClassPart& part, std::vector<VideoScore>& scores);

// {"top1","top5","videos","failed","top1_of_all","chance","classes","confusion","mistakes"}; accuracies are fractions
// of the videos that were read, top1_of_all those of all that are listed: `listed`, whose missing and broken files
// count as failed, or as many as were to be read. A verb_noun head adds "verb_top1" and "noun_top1".
nlohmann::json summarise(const std::vector<VideoScore>& scores, const ScoredClasses& classes, int64_t listed = 0);

}  // namespace permafrost::launch
