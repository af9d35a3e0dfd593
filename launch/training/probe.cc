#include "launch/training/probe.h"

#include <torch/types.h>

#include "core/recipe/linear_probe.h"
#include "data/loader/cached_clips.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

// One row for each view, or one for each video.
core::LabelledFeatures gather(const data::CacheReader& cache, const std::string& split, bool is_averaged) {
  const data::CachedClips clips(cache, split, data::ViewPolicy::kEvery);
  std::vector<torch::Tensor> rows;
  std::vector<int64_t> targets;
  for (int64_t sample = 0; sample < clips.size(); ++sample) {
    const data::Clip clip = clips.read(sample, 0);
    rows.push_back(core::probe_features(clip.features));
    targets.push_back(clip.target);
  }
  torch::Tensor features = torch::stack(rows), labels = torch::tensor(targets, torch::kInt64);
  if (is_averaged) {
    features = features.unflatten(0, {clips.videos(), clips.views()}).mean(1);
    labels = labels.slice(0, 0, std::nullopt, clips.views());
  }
  return {features, labels};
}

}  // namespace

json probe(const data::CacheReader& cache, const std::string& split) {
  const core::ProbeResult result =
      core::fit_linear_probe(gather(cache, "train", false), gather(cache, split, true),
                             static_cast<int64_t>(cache.labels().size()), {1e-4, 1e-3, 1e-2});
  json fits = json::array();
  for (const core::ProbeFit& fit : result.fits) fits.push_back({{"l2", fit.l2}, {"top1", fit.top1}});
  return {{"top1", result.top1}, {"regularisations", fits}};
}

}  // namespace permafrost::launch
