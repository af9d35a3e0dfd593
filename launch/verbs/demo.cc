#include "core/base/error.h"
#include "launch/demo/render_demo.h"
#include "launch/placement.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {

int run_demo_verb(Invocation& invocation) {
  const DemoSettings& settings = invocation.settings.demo;
  DemoOptions options;
  options.out = invocation.need(invocation.settings.path.out, "out");
  if (settings.train_clips_per_class > 0) options.train_clips_per_class = settings.train_clips_per_class;
  if (settings.validation_clips_per_class > 0) options.validation_clips_per_class = settings.validation_clips_per_class;
  if (settings.encoder_steps > 0) options.encoder.steps = settings.encoder_steps;
  options.seed = static_cast<uint64_t>(settings.seed);
  options.threads = static_cast<int>(place_threads(invocation));
  run_demo(options);
  return core::kExitDone;
}

}  // namespace permafrost::launch
