#include "core/recipe/metrics.h"

#include <algorithm>

namespace permafrost::core {

bool is_hit(const std::vector<float>& scores, int64_t target, int64_t k) {
  const float score = scores.at(target);
  int64_t before = 0;
  for (size_t i = 0; i < scores.size(); ++i) {
    const auto index = static_cast<int64_t>(i);
    if (index != target && !(scores[i] < score) && !(scores[i] == score && index > target)) ++before;
  }
  return before < k && score == score;
}

int64_t best_class(const std::vector<float>& scores) {
  return std::max_element(scores.begin(), scores.end()) - scores.begin();
}

}  // namespace permafrost::core
