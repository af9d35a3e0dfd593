// The learning rate as a function of the fractional epoch (MODEL.md "Recipe").
#pragma once

namespace permafrost::core {

struct ScheduleOptions {
  double learning_rate = 3.2e-4;  // the cosine's value at epoch 0, which the warm-up never lets be reached
  double epochs = 36;
  double warmup_epochs = 6;
  double warmup_start = 8e-7;  // at epoch 0
};

// The cosine from `learning_rate` at epoch 0 to 0 at `epochs`; before `warmup_epochs` the straight line from
// `warmup_start` up to the cosine's own value there (not to `learning_rate`).
double learning_rate_at(double epoch, const ScheduleOptions& options);

}  // namespace permafrost::core
