// What evaluation counts.
#pragma once

#include <cstdint>
#include <vector>

namespace permafrost::core {

// True where `target` is among the `k` highest scores. A tie counts for the lower index; NaN never hits.
bool is_hit(const std::vector<float>& scores, int64_t target, int64_t k);

// The index of the highest score.
int64_t best_class(const std::vector<float>& scores);

// Counts by (truth, prediction).
class ConfusionMatrix {
 public:
  explicit ConfusionMatrix(int64_t classes) : counts_(classes, std::vector<int64_t>(classes, 0)) {}
  void add(int64_t truth, int64_t prediction) { ++counts_.at(truth).at(prediction); }
  const std::vector<std::vector<int64_t>>& counts() const { return counts_; }

 private:
  std::vector<std::vector<int64_t>> counts_;
};

}  // namespace permafrost::core
