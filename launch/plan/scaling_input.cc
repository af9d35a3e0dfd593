#include "launch/plan/scaling_input.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/dist/classifier.h"
#include "core/recipe/optimizer.h"
#include "distributed/gradient_reducer.h"
#include "launch/timing.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

constexpr double kBackwardShare = 2.0 / 3;
constexpr double kGigabit = 1e9 / 8;
constexpr double kMicrosecond = 1e-6, kMillisecond = 1e-3;
// Between the ranks of a node, where no option says: shared memory, NVLink.
constexpr double kSharedMemoryGbit = 40, kNvlinkGbit = 2400;

// A head is left out: it is small beside the layers.
std::vector<Bucket> buckets_of(const core::DistConfig& network, int64_t bucket_mib, double compute_seconds) {
  core::Classifier classifier(network, core::HeadConfig{.kind = core::HeadKind::kLinear, .classes = 1});
  std::vector<torch::Tensor> parameters;
  for (const auto& parameter : core::in_forward_order(core::trainable_parameters(*classifier, network.layers))) {
    parameters.push_back(parameter.tensor);
  }
  std::vector<Bucket> buckets;
  double all = 0, so_far = 0;
  for (const int64_t bytes : distributed::bucket_bytes(parameters, {.bucket_bytes = bucket_mib << 20})) {
    buckets.push_back({.bytes = bytes});
    all += static_cast<double>(bytes);
  }
  for (Bucket& bucket : buckets) {
    so_far += static_cast<double>(bucket.bytes);
    bucket.launched = kBackwardShare * compute_seconds * so_far / all;
  }
  return buckets;
}

Interconnect interconnect_of(const Settings& settings, bool is_nccl) {
  const PlanSettings& plan = settings.plan;
  const double within = plan.inner_gbit > 0 ? plan.inner_gbit : is_nccl ? kNvlinkGbit : kSharedMemoryGbit;
  return {.between = {plan.link_gbit * kGigabit, plan.link_latency_us * kMicrosecond},
          .within = {within * kGigabit, plan.inner_latency_us * kMicrosecond},
          .ranks_per_node = plan.gpus,
          .is_nccl = is_nccl};
}

json parse_object(const std::string& text, const std::string& where) {
  json value = json::parse(text, nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) throw core::DataError(where + ": expected an object of JSON, found none: give --from a run");
  return value;
}

double field(const json& line, const char* name, const std::string& where) {
  const auto found = line.find(name);
  if (found != line.end() && found->is_number()) return *found;
  throw core::DataError(where + ": expected " + name + " as a number, found none: give --from a run of this version");
}

// What training wrote of its steps on as many ranks as at last. Left out are events, what a kill cut in two, and the
// first line where there are others.
std::vector<json> step_lines(const std::string& path) {
  std::vector<json> lines;
  std::istringstream text(core::read_text(path));
  for (std::string line; std::getline(text, line);) {
    const json value = json::parse(line, nullptr, /*allow_exceptions=*/false);
    if (value.is_object() && value.contains("compute_ms")) lines.push_back(value);
  }
  const auto ranks_of = [](const json& line) { return line.value("ranks", json()); };
  if (!lines.empty())
    std::erase_if(lines, [&, last = ranks_of(lines.back())](const json& l) { return ranks_of(l) != last; });
  if (lines.empty()) throw core::DataError(path + ": expected a line of steps, found none: let the run go on longer");
  if (lines.size() > 1) lines.erase(lines.begin());
  return lines;
}

template <class Value>
double median_of(const std::vector<json>& lines, const Value& value) {
  std::vector<double> values;
  for (const json& line : lines) values.push_back(value(line));
  return median(values);
}

std::vector<Bucket> measured_buckets(const std::vector<json>& lines, const std::string& where) {
  std::vector<Bucket> buckets;
  for (const json& bucket : lines.back().value("buckets", json::array())) {
    buckets.push_back({.bytes = static_cast<int64_t>(field(bucket, "bytes", where))});
  }
  for (size_t i = 0; i < buckets.size(); ++i) {
    buckets[i].launched =
        kMillisecond * median_of(lines, [&](const json& line) {
          const json all = line.value("buckets", json::array());
          if (all.size() != buckets.size()) {
            throw core::DataError(where + ": expected as many buckets in every line, found " +
                                  std::to_string(all.size()) + " and " + std::to_string(buckets.size()) +
                                  ": give --from a run of one number of ranks");
          }
          return field(all[i], "launched_ms", where);
        });
  }
  return buckets;
}

}  // namespace

ScalingInput scaling_of_run(const Settings& settings, const std::string& run, const NetworkOf& network) {
  const std::string metrics = run + "/metrics.jsonl", place = run + "/environment.json";
  const std::vector<json> lines = step_lines(metrics);
  const json environment = parse_object(core::read_text(place), place);
  const auto median_field = [&](const char* name) {
    return median_of(lines, [&](const json& line) { return field(line, name, metrics); });
  };
  const auto ranks = static_cast<int64_t>(std::max(1.0, field(lines.back(), "ranks", metrics)));
  const bool is_gpu = environment.value("device", "cpu") != "cpu";
  if (is_gpu && ranks > 1) {  // their collectives are only queued when a time is taken
    throw core::ConfigError(run + ": expected a run whose communication was timed, on CPUs or on one GPU, found " +
                            std::to_string(ranks) + " GPUs: give --from a run on one GPU");
  }
  ScalingInput input{.interconnect = interconnect_of(settings, is_gpu)};
  input.threads = static_cast<int64_t>(std::max(1.0, field(environment, "threads_per_rank", place)));
  input.compute_seconds = kMillisecond * median_field("compute_ms");
  input.clips = std::round(median_of(lines, [&](const json& line) {
    const double step =
        field(line, "data_ms", metrics) + field(line, "compute_ms", metrics) + field(line, "communication_ms", metrics);
    return field(line, "samples_per_second", metrics) * kMillisecond * step / static_cast<double>(ranks);
  }));
  input.buckets = measured_buckets(lines, metrics);
  input.origin = run + ", median of " + std::to_string(lines.size()) + " lines, " + std::to_string(ranks) +
                 (ranks == 1 ? " rank" : " ranks");
  if (input.buckets.empty()) {
    input.buckets = buckets_of(network(), settings.train.bucket_mib, input.compute_seconds);
  } else {
    input.compute_seconds = std::max(input.compute_seconds / 2, input.compute_seconds - host_seconds(input));
  }
  if (ranks > 1) input.spread = (median_field("slowest_over_mean") - 1) / expected_maximum(ranks);
  if (settings.plan.spread >= 0) input.spread = settings.plan.spread;
  return input;
}

ScalingInput scaling_of_plan(const Settings& settings, const PlanInput& plan, const core::DistConfig& network) {
  ScalingInput input{.origin = plan.step.origin, .clips = static_cast<double>(plan.memory.clips)};
  input.compute_seconds = input.clips / plan.step.per_second;
  input.threads = std::max<int64_t>(1, plan.cores_per_node / plan.devices_per_node);
  input.spread = std::max(0.0, settings.plan.spread);
  input.interconnect = interconnect_of(settings, settings.device != "cpu");
  input.buckets = buckets_of(network, settings.train.bucket_mib, input.compute_seconds);
  return input;
}

}  // namespace permafrost::launch
