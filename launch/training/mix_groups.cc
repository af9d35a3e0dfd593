#include "launch/training/mix_groups.h"

#include <numeric>
#include <string>

#include "core/base/error.h"

namespace permafrost::launch {
namespace {

struct Cuts {
  int64_t ranks = 0;   // greatest common divisor of the places where ranks part
  int64_t pieces = 0;  // and of those where micro-batches do too
};

Cuts cuts_of(int64_t batch, int64_t ranks, int64_t micro_batch) {
  Cuts cuts;
  bool has_micro_batches = false;
  for (int64_t rank = 0; rank < ranks; ++rank) {
    const int64_t first = rank * batch / ranks, end = (rank + 1) * batch / ranks;
    cuts.ranks = std::gcd(cuts.ranks, end);
    has_micro_batches = has_micro_batches || (micro_batch > 0 && micro_batch < end - first);
  }
  cuts.pieces = has_micro_batches ? std::gcd(cuts.ranks, micro_batch) : cuts.ranks;
  return cuts;
}

// "0 (no mixing), 2, 4"
std::string fitting_groups(int64_t pieces) {
  std::string fitting = "0 (no mixing)";
  for (int64_t group = 2; group <= pieces; group += 2) {
    if (pieces % group == 0) fitting += ", " + std::to_string(group);
  }
  return fitting;
}

}  // namespace

void require_whole_groups(const Settings& settings, int64_t ranks) {
  const core::MixOptions& mix = settings.recipe.mix;
  if (!mix.is_on()) return;
  const Cuts cuts = cuts_of(settings.recipe.batch, ranks, settings.train.micro_batch);
  if (mix.group % 2 == 0 && cuts.pieces % mix.group == 0) return;
  std::string text = "option 'recipe.mix_group' is " + std::to_string(mix.group);
  if (mix.group % 2 != 0) {
    text += ", expected an even number";
  } else if (cuts.ranks % mix.group != 0) {
    text += ", and recipe.batch " + std::to_string(settings.recipe.batch) + " over " + std::to_string(ranks) +
            " ranks cuts a group";
  } else {
    text += ", and train.micro_batch " + std::to_string(settings.train.micro_batch) + " cuts a group";
  }
  const int64_t unit = mix.group % 2 == 0 ? mix.group : 2 * mix.group;
  throw core::ConfigError(text + ": set recipe.mix_group to one of " + fitting_groups(cuts.pieces) +
                          ", or recipe.batch to a multiple of " + std::to_string(unit * ranks) +
                          " and train.micro_batch to 0 or a multiple of " + std::to_string(unit));
}

}  // namespace permafrost::launch
