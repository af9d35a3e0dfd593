#include <optional>

#include "core/base/error.h"
#include "core/base/file_lock.h"
#include "core/base/log.h"
#include "data/cache/cache_reader.h"
#include "distributed/communicator.h"
#include "launch/training/run_directory.h"
#include "launch/training/trainer.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

std::string augmentation_of(const data::CacheKey& key) {
  if (key.augment == "none") return "centre crop, no flip, no grayscale";
  const data::AugmentOptions paper;
  return key.augmentation == paper ? "crop, flip and grayscale as in the paper" : "crop, flip and grayscale of its own";
}

// In which ways training on this cache is not the paper's recipe.
void log_deviations(const data::CacheReader& cache, const Settings& settings) {
  const data::CacheKey& key = cache.key();
  core::log_info() << "on cached features: " << key.train_views << " stored view" << (key.train_views == 1 ? "" : "s")
                   << " of each video instead of a fresh one each epoch, " << key.codec << " features, "
                   << augmentation_of(key);
  const core::MixOptions& mix = settings.recipe.mix;
  if (!mix.is_on()) {
    core::log_info() << "no mixup and no cutmix";
  } else {
    core::log_info() << "groups of " << mix.group << " clips are mixed; the frozen encoder never saw the mixed frames: "
                     << "mixup of features is linear, cutmix replaces the tokens of the patches under its box";
  }
  core::log_info() << "global batch " << settings.recipe.batch << ", learning rate not scaled by it";
}

}  // namespace

int run_train(Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string& run_path = invocation.need(settings.path.run, "run");
  const data::CacheReader cache(invocation.need(settings.path.cache, "cache"));
  const int64_t threads = place_threads(invocation);
  distributed::Communicator world(*invocation.session);
  std::optional<core::DirectoryLock> lock;
  std::optional<RunDirectory> run;
  if (world.is_root()) {
    lock.emplace(run_path);
    run.emplace(run_path);
  }
  Trainer trainer(settings, cache, world, run);
  if (world.is_root()) {
    run->write("config.json", describe_options(*invocation.table));
    run->write("environment.json", describe_environment(world.size(), threads));
    log_deviations(cache, settings);
  }
  return trainer.train();
}

}  // namespace permafrost::launch
