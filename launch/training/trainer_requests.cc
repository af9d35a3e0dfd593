#include <cmath>
#include <utility>

#include "data/loader/shard_requests.h"
#include "launch/training/trainer.h"

namespace permafrost::launch {

// This rank's batches from the next step on; the stage, where there is one, follows them.
data::ClipLoader::RequestFunction Trainer::requests() {
  const data::BatchCursor cursor{step_ / course_.steps_per_epoch, step_ % course_.steps_per_epoch};
  const auto end_epoch = static_cast<int64_t>(std::ceil(settings_.recipe.schedule.epochs));
  data::BatchRequests own(order_, cursor, end_epoch, place_.world.rank(), place_.world.size());
  data::ShardStage* stage = set_.staging_for.empty() ? nullptr : set_.stage;
  if (stage != nullptr) {
    stage->fetch_ahead(data::shard_requests(*set_.clips, order_, cursor, course_.steps - step_,
                                            {.parts = set_.staging_for, .ranks = place_.world.size()}));
  }
  return [own = std::move(own), stage, batch = int64_t{0}]() mutable {
    if (stage != nullptr) stage->reach(batch++);
    return own.next();
  };
}

}  // namespace permafrost::launch
