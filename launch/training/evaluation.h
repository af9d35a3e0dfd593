// Multi-view evaluation over any number of ranks, every video counted once.
//
//   EvaluationSet set{source, videos, views};
//   Scores scores = evaluate(model, set, world, options);
//   run.write("eval.json", summarise(scores, model));
#pragma once

#include <nlohmann/json.hpp>
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

struct VideoScore {
  std::string video_id;
  int64_t target = 0;
  std::vector<float> scores;  // as clip_scores gives them, averaged over the views
  std::string failure;        // why it could not be read; then there are no scores
};

// The head's scores (core/dist/head.h) of clips [b, F, 3, S, S], [b, N, t, L, C] -> [b, K], for a verb_noun head
// [b, K + verbs + nouns].
torch::Tensor clip_scores(TrainedModel& model, const torch::Tensor& pixels, const torch::Tensor& features);

// Each rank takes a part of the videos; rank 0 gets all scores in the order of the set, the others none. A video that
// cannot be read is a failure, not an end; DataError where all fail. Collective.
std::vector<VideoScore> evaluate(TrainedModel& model, const EvaluationSet& set, distributed::Communicator& world,
                                 int64_t batch, int64_t reader_threads);

// What the scores of a video are scores of.
struct ScoredClasses {
  data::LabelMap labels;
  core::HeadConfig head;
};

// Keeps the scores of the classes of `part` alone, which a model that knows more is asked to choose from: those of
// Kinetics-400 of one trained on Kinetics-710. Targets become places in `part`; scores stay as they are, so they sum
// to less than 1. Throws ConfigError for a verb_noun head, DataError for a class that the model or `part` lacks.
ScoredClasses restrict_to(const data::LabelMap& part, const ScoredClasses& all, std::vector<VideoScore>& scores);

// {"top1","top5","videos","failed","top1_of_all","chance","classes","confusion","mistakes"}; accuracies are fractions
// of the videos that were read, top1_of_all those of all that are listed: `listed`, whose missing and broken files
// count as failed, or as many as were to be read. A verb_noun head adds "verb_top1" and "noun_top1".
nlohmann::json summarise(const std::vector<VideoScore>& scores, const ScoredClasses& classes, int64_t listed = 0);

}  // namespace permafrost::launch
