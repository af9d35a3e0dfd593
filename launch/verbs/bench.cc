#include <ATen/Parallel.h>

#include <algorithm>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/encoder/architectures.h"
#include "core/encoder/precision.h"
#include "launch/bench/bench_compute.h"
#include "launch/bench/bench_decode.h"
#include "launch/bench/bench_loader.h"
#include "launch/bench/bench_reduce.h"
#include "launch/placement.h"
#include "launch/training/run_directory.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

void print(const json& result) { std::cout << json_text(result, -1) << "\n"; }

const std::string& folder_of(const Invocation& invocation, const std::string& what) {
  if (invocation.words.size() == 2) return invocation.words[1];
  throw core::ConfigError("bench " + invocation.words.front() + ": expected one " + what + " after it");
}

void tell_decode(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string& folder = folder_of(invocation, "folder of videos");
  const DecodeBench options{.threads = place_threads(invocation),
                            .decoder_threads = settings.bench.decoder_threads,
                            .frames = settings.dataset.frames,
                            .seconds = settings.bench.seconds};
  const DecodeRate rate = bench_decode(folder, options);
  const auto clips = static_cast<double>(rate.clips);
  print({{"bench", "decode"},
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
         {"seeks_per_clip", static_cast<double>(rate.work.seeks) / clips}});
}

void tell_loader(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  const std::string& cache = folder_of(invocation, "cache");
  LoaderBench options{
      .threads = place_threads(invocation), .seconds = settings.bench.seconds, .is_cold = settings.bench.cold};
  if (settings.bench.batch > 0) options.batch = settings.bench.batch;
  const LoaderRates rates = bench_loader(cache, options);
  print({{"bench", "loader"},
         {"per_second", rates.loader},
         {"unit", "GB"},
         {"clips_per_second", rates.loader * 1e9 / rates.record_bytes},
         {"decoded_per_second", rates.decoded},
         {"decoded_clips_per_second", rates.decoded * 1e9 / rates.record_bytes},
         {"raw_per_second", rates.raw},
         {"raw_kept_per_second", rates.raw_kept},
         {"checksum_per_second", rates.checksum},
         {"ratio_to_raw", rates.loader / rates.raw},
         {"ratio_to_raw_kept", rates.loader / rates.raw_kept},
         {"records", rates.records},
         {"record_bytes", rates.record_bytes},
         {"threads", options.threads},
         {"batch", options.batch},
         {"cold", options.is_cold},
         {"rounds", rates.rounds}});
}

// Of a bench of products: what its options say, and how many clips a batch has.
struct Compute {
  Settings settings;
  ComputeBench bench;
  int64_t clips = 1;
  std::string encoder;

  explicit Compute(const Invocation& invocation) : settings(invocation.settings) {
    place_threads(invocation);
    encoder = "vit_" + settings.bench.arch;
    if (!invocation.table->is_set("bench.arch") && settings.model.encoder != "any") encoder = settings.model.encoder;
    if (invocation.table->is_set("frames")) settings.sampling.frames = settings.dataset.frames;
    clips = std::max<int64_t>(1, settings.bench.batch);
    bench = {.vision = core::architecture_named(encoder),
             .type = core::precision_named(settings.bench.dtype),
             .device = place_device(invocation),
             .batch = clips,
             .rounds = settings.bench.steps};
  }

  // The limit: the rate of a wide product, measured when it is called.
  double gemm_flops() const {
    const ComputeRate rate = bench_gemm(bench, gemm_shape(bench.device));
    return rate.flops / rate.least_seconds;
  }

  json line(const std::string& name, const std::string& unit, const ComputeRate& rate, double limit) const {
    const double flops = rate.flops / rate.seconds;
    json line{{"bench", name},
              {"per_second", rate.units / rate.seconds},
              {"unit", unit},
              {"threads", at::get_num_threads()},
              {"device", torch::DeviceTypeName(bench.device.type(), /*lower_case=*/true)},
              {"dtype", settings.bench.dtype},
              {"rounds", bench.rounds},
              {"seconds", rate.seconds},
              {"least_seconds", rate.least_seconds},
              {"gflops", flops / 1e9}};
    if (name == "gemm") return line;
    line.update({{"encoder", encoder},
                 {"frames", settings.sampling.frames},
                 {"alpha", settings.sampling.alpha},
                 {"batch", clips},
                 {"gemm_gflops", limit / 1e9},
                 {"share_of_gemm", flops / limit}});
    return line;
  }
};

void tell_gemm(const Invocation& invocation) {
  const Compute compute(invocation);
  const GemmShape shape = gemm_shape(compute.bench.device);
  json line = compute.line("gemm", "products", bench_gemm(compute.bench, shape), 0);
  line.update({{"rows", shape.rows}, {"inner", shape.inner}, {"columns", shape.columns}});
  print(line);
}

void tell_vit(const Invocation& invocation) {
  Compute compute(invocation);
  compute.bench.batch = compute.clips * compute.settings.sampling.frames / compute.settings.sampling.alpha;
  const double before = compute.gemm_flops();
  const ComputeRate rate = bench_vit(compute.bench);
  print(compute.line("vit", "frames", rate, std::max(before, compute.gemm_flops())));
}

void tell_train_step(const Invocation& invocation) {
  const Compute compute(invocation);
  const double before = compute.gemm_flops();
  const std::vector<ComputeRate> rates =
      bench_train_step(compute.bench, compute.settings, compute.settings.bench.features);
  const double limit = std::max(before, compute.gemm_flops());
  for (const ComputeRate& rate : rates) {
    json line = compute.line("train-step", "clips", rate, limit);
    line["features"] = rate.kind;
    line["layers"] = compute.settings.cache.layers;
    line["ratio_to_first"] = rates.front().seconds / rate.seconds;
    if (rate.kind == "cached") line["codec"] = compute.settings.cache.codec;
    print(line);
  }
}

void tell_roofline(const Invocation& invocation) {
  const Compute compute(invocation);
  if (!compute.bench.device.is_cpu()) {
    throw core::ConfigError("option 'device' is " + invocation.settings.device +
                            ", expected cpu: a roofline times operators on a CPU, a GPU only queues them");
  }
  const double before = compute.gemm_flops();
  const std::vector<StepPart> parts = profile_train_step(compute.bench, compute.settings);
  const double limit = std::max(before, compute.gemm_flops());
  double step = 0;
  for (const StepPart& part : parts) step += part.seconds;
  for (const StepPart& part : parts) {
    const double flops = part.flops / part.seconds;
    json operators = json::object();
    for (const auto& [name, seconds] : part.operators) operators[name] = 1e3 * seconds;
    print({{"bench", "roofline"},
           {"part", part.part},
           {"ms", 1e3 * part.seconds},
           {"share_of_step", part.seconds / step},
           {"gflop", part.flops / 1e9},
           {"gflops", flops / 1e9},
           {"share_of_gemm", flops / limit},
           {"operators_ms", operators}});
  }
}

void tell_checkpoint(const Invocation& invocation) {
  const Compute compute(invocation);
  const CheckpointCost cost = bench_checkpoint(compute.bench, compute.settings);
  print({{"bench", "checkpoint"},
         {"per_second", cost.bytes / cost.write_seconds / 1e9},
         {"unit", "GB"},
         {"bytes", cost.bytes},
         {"copy_ms", 1e3 * cost.copy_seconds},
         {"write_ms", 1e3 * cost.write_seconds},
         {"steps", compute.bench.rounds},
         {"seconds_with", cost.seconds_with},
         {"seconds_without", cost.seconds_without},
         {"stall_share", cost.seconds_with / cost.seconds_without - 1},
         {"encoder", compute.encoder},
         {"frames", compute.settings.sampling.frames},
         {"batch", compute.clips},
         {"dtype", compute.settings.bench.dtype},
         {"threads", at::get_num_threads()}});
}

void tell_reduce(const Invocation& invocation) {
  const Settings& settings = invocation.settings;
  distributed::Communicator world(*invocation.session);
  if (world.size() == 1) {
    throw core::ConfigError("bench reduce: expected several ranks, found one: start it with mpirun or srun");
  }
  const int64_t threads = place_threads(invocation), bytes = settings.train.bucket_mib << 20;
  const torch::Device device = place_device(invocation);
  const double seconds = bench_reduce(world, device, bytes, settings.bench.steps);
  const auto ranks = static_cast<double>(world.size());
  const double rate = static_cast<double>(bytes) / seconds / 1e9;
  if (!world.is_root()) return;
  print({{"bench", "reduce"},
         {"per_second", rate},
         {"unit", "GB"},
         {"sent_per_second", 2 * (ranks - 1) / ranks * rate},
         {"ranks", world.size()},
         {"ranks_on_node", invocation.session->node_ranks().size()},
         {"bytes", bytes},
         {"seconds", seconds},
         {"rounds", settings.bench.steps},
         {"device", torch::DeviceTypeName(device.type(), /*lower_case=*/true)},
         {"threads", threads}});
}

struct Bench {
  std::string name;
  void (*tell)(const Invocation&);
};

const std::vector<Bench>& benches() {
  static const std::vector<Bench> kBenches = {{"decode", &tell_decode},
                                              {"loader", &tell_loader},
                                              {"gemm", &tell_gemm},
                                              {"vit", &tell_vit},
                                              {"train-step", &tell_train_step},
                                              {"roofline", &tell_roofline},
                                              {"checkpoint", &tell_checkpoint},
                                              {"reduce", &tell_reduce}};
  return kBenches;
}

// All but one measure one process; several at once would measure one another.
void require_alone(const Invocation& invocation, const std::string& bench) {
  if (bench == "reduce" || invocation.session->size() == 1) return;
  throw core::ConfigError("bench " + bench + ": expected one rank, found " +
                          std::to_string(invocation.session->size()) + ": start it without mpirun");
}

}  // namespace

int run_bench(Invocation& invocation) {
  const std::string what = invocation.words.empty() ? "" : invocation.words.front();
  std::string names;
  for (const Bench& bench : benches()) {
    if (bench.name == what) {
      require_alone(invocation, what);
      bench.tell(invocation);
      return core::kExitDone;
    }
    names += (names.empty() ? "" : ", ") + bench.name;
  }
  throw core::ConfigError("bench: expected one of " + names + " after it, found '" + what + "'");
}

}  // namespace permafrost::launch
