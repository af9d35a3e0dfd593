#include <iostream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "launch/bench/bench_decode.h"
#include "launch/bench/bench_loader.h"
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

int tell_loader(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  if (invocation.words.size() != 2) throw core::ConfigError("bench loader: expected one cache after it");
  const LoaderBench options{.threads = place_threads(invocation),
                            .batch = settings.bench.batch,
                            .seconds = settings.bench.seconds,
                            .is_cold = settings.bench.cold};
  const LoaderRates rates = bench_loader(invocation.words[1], options);
  const nlohmann::json result{{"bench", "loader"},
                              {"per_second", rates.loader},
                              {"unit", "GB"},
                              {"clips_per_second", rates.loader * 1e9 / rates.record_bytes},
                              {"decoded_per_second", rates.decoded},
                              {"decoded_clips_per_second", rates.decoded * 1e9 / rates.record_bytes},
                              {"raw_per_second", rates.raw},
                              {"ratio_to_raw", rates.loader / rates.raw},
                              {"records", rates.records},
                              {"record_bytes", rates.record_bytes},
                              {"threads", options.threads},
                              {"batch", options.batch},
                              {"cold", options.is_cold},
                              {"rounds", rates.rounds}};
  std::cout << json_text(result, -1) << "\n";
  return core::kExitDone;
}

}  // namespace

int run_bench(Invocation& invocation) {
  const std::string what = invocation.words.empty() ? "" : invocation.words.front();
  if (what == "decode") return tell_decode(invocation);
  if (what == "loader") return tell_loader(invocation);
  throw core::ConfigError("expected `bench decode` or `bench loader`, found '" + what + "'");
}

}  // namespace permafrost::launch
