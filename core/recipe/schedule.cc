#include "core/recipe/schedule.h"

#include <cmath>
#include <numbers>

namespace permafrost::core {
namespace {

double cosine_at(double epoch, const ScheduleOptions& options) {
  return options.learning_rate * (std::cos(std::numbers::pi * epoch / options.epochs) + 1.0) / 2.0;
}

}  // namespace

double learning_rate_at(double epoch, const ScheduleOptions& options) {
  if (epoch >= options.warmup_epochs) return cosine_at(epoch, options);
  const double top = cosine_at(options.warmup_epochs, options);
  return options.warmup_start + epoch * (top - options.warmup_start) / options.warmup_epochs;
}

}  // namespace permafrost::core
