#include <iostream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "launch/bench/bench_decode.h"
#include "launch/training/run_directory.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

int tell_decode(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  if (invocation.words.size() != 2) throw core::ConfigError("bench decode: expected one folder of videos after it");
  const DecodeBench options{.threads = place_threads(invocation),
                            .decoder_threads = settings.bench.decoder_threads,
                            .frames = settings.dataset.frames,
                            .seconds = settings.bench.seconds};
  const DecodeRate rate = bench_decode(invocation.words[1], options);
  const auto clips = static_cast<double>(rate.clips);
  const nlohmann::json result{{"bench", "decode"},
                              {"per_second", clips / rate.seconds},
                              {"unit", "clips"},
                              {"threads", options.threads},
                              {"decoder_threads", options.decoder_threads},
                              {"frames", options.frames},
                              {"files", rate.files},
                              {"clips", rate.clips},
                              {"seconds", rate.seconds},
                              {"packets_decoded_per_clip", static_cast<double>(rate.work.packets_decoded) / clips},
                              {"frames_decoded_per_clip", static_cast<double>(rate.work.frames) / clips},
                              {"seeks_per_clip", static_cast<double>(rate.work.seeks) / clips}};
  std::cout << json_text(result, -1) << "\n";
  return core::kExitDone;
}

}  // namespace

int run_bench(Invocation& invocation) {
  const std::string what = invocation.words.empty() ? "" : invocation.words.front();
  if (what == "decode") return tell_decode(invocation);
  throw core::ConfigError("expected `bench decode`, found '" + what + "'");
}

}  // namespace permafrost::launch
