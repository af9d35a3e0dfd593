// Scores of an evaluation in a file, and the average of several: an ensemble.
//
//   write_scores("a.scores", {classes, scores, listed, "val", "natural"});
//   ScoreSet both = combine({read_scores("a.scores"), read_scores("b.scores")}, {0.5, 0.5});
//
// A safetensors file: `scores` float32 [videos, K] as summarise() takes them, `targets` int64 [videos], and in the
// metadata `video_ids`, `classes`, `head`, `split`, `frame_order` and `listed`, as JSON. Videos that failed are not in
// it.
#pragma once

#include <string>
#include <vector>

#include "launch/training/evaluation.h"

namespace permafrost::launch {

struct ScoreSet {
  ScoredClasses classes;
  std::vector<VideoScore> scores;
  int64_t listed = 0;  // videos, with those that failed
  std::string split, frame_order;
  std::string where{};  // the file, for complaints
};

void write_scores(const std::string& path, const ScoreSet& set);
// Throws DataError where the file is none of these, or its parts do not fit together.
ScoreSet read_scores(const std::string& path);

// The weighted mean, video by video; classes are matched by name. Throws
// DataError naming the first video or class that one of them lacks, ConfigError for weights that are not one for each,
// 0 or more, and of a positive sum. No weights: all the same.
ScoreSet combine(std::vector<ScoreSet> sets, std::vector<double> weights);

}  // namespace permafrost::launch
