#include "launch/plan/plan.h"

#include <algorithm>
#include <cmath>

namespace permafrost::launch {
namespace {

constexpr double kAsGood = 1.05;   // totals this near one another are the same: no rate is known better
constexpr double kForever = 1e12;  // epochs

double nodes(const PlanInput& input) { return static_cast<double>(input.nodes); }
double devices(const PlanInput& input) { return nodes(input) * static_cast<double>(input.devices_per_node); }
double cores(const PlanInput& input) { return nodes(input) * static_cast<double>(input.cores_per_node); }

// Seconds that one device computes for one clip of a step.
//   cached:  1 / step
//   mixed:   share / frozen + 1 / step     the layers that are not stored, each from the stored one before it
//   online:  1 / frozen + 1 / step         the whole frozen forward again, at every step
// Decoding of features and the copy to the device go on beside it and are left out.
double device_seconds(const PlanInput& input, Mode mode) {
  const double share = mode == Mode::kCached ? 0 : mode == Mode::kMixed ? input.mixed_share : 1;
  return share / input.frozen.per_second + 1 / input.step.per_second;
}

// Clips a second of all nodes: what is read or decoded ahead goes on beside the step, so the slowest alone counts.
//   devices:   D / device_seconds
//   storage:   nodes * read / record_bytes        cached and mixed
//   decoding:  nodes * cores * decode             online; the videos' own bytes are few and left out
void set_speed(const PlanInput& input, ModePlan& plan) {
  plan.clips_per_second = devices(input) / device_seconds(input, plan.mode);
  const double feed = plan.mode == Mode::kOnline ? cores(input) * input.decode.per_second
                                                 : nodes(input) * input.storage.per_second / plan.record_bytes;
  if (feed < plan.clips_per_second) {
    plan.clips_per_second = feed;
    plan.limit = plan.mode == Mode::kOnline ? Limit::kDecoding : Limit::kStorage;
  }
  plan.epoch_seconds = static_cast<double>(input.train_videos) / plan.clips_per_second;  // one view of each video
}

// A build runs the frozen forward once for every record, and decodes every video once for all its views. The slowest of
//   devices:   records / (D * frozen)
//   decoding:  videos / (nodes * cores * decode)
//   storage:   bytes / (nodes * writing)
void set_build(const PlanInput& input, double records, ModePlan& plan) {
  const double computing = records / (devices(input) * input.frozen.per_second);
  const double decoding =
      static_cast<double>(input.train_videos + input.eval_videos) / (cores(input) * input.decode.per_second);
  const double writing = plan.cache_bytes / (nodes(input) * input.writing.per_second);
  plan.build_seconds = std::max({computing, decoding, writing});
  if (plan.build_seconds > computing) plan.build_limit = decoding > writing ? Limit::kDecoding : Limit::kStorage;
}

ModePlan plan_online(const PlanInput& input) {
  ModePlan plan{.mode = Mode::kOnline};
  set_speed(input, plan);
  plan.total_seconds = input.epochs * plan.epoch_seconds;
  return plan;
}

ModePlan plan_cache(const PlanInput& input, double records, Mode mode, const CodecBytes& codec,
                    const ModePlan& online) {
  ModePlan plan{.mode = mode, .codec = codec.codec};
  plan.record_bytes = mode == Mode::kCached ? codec.record_bytes : codec.mixed_record_bytes;
  plan.cache_bytes = plan.record_bytes * records;
  plan.fits = input.capacity_bytes <= 0 || plan.cache_bytes <= input.capacity_bytes;
  plan.needed_bytes_per_second =
      static_cast<double>(input.devices_per_node) / device_seconds(input, mode) * plan.record_bytes;
  set_speed(input, plan);
  set_build(input, records, plan);
  plan.total_seconds = plan.build_seconds + input.epochs * plan.epoch_seconds;
  plan.break_even_epochs = break_even(plan.build_seconds, plan.epoch_seconds, online.epoch_seconds);
  return plan;
}

// Of two that take as long: no cache before a cache (fresh views, no disk), the config's codec, fewer bytes.
bool is_preferred(const PlanInput& input, const ModePlan& a, const ModePlan& b) {
  const auto rank = [&](const ModePlan& plan) {
    return plan.mode == Mode::kOnline ? 0 : plan.codec == input.codec ? 1 : 2;
  };
  return rank(a) != rank(b) ? rank(a) < rank(b) : a.cache_bytes < b.cache_bytes;
}

// Whether it may be recommended; `only_cached`: of the caches of every layer alone.
bool is_eligible(const ModePlan& plan, bool only_cached) {
  return plan.fits && (!only_cached || plan.mode == Mode::kCached);
}

// Places in `modes`; online's, the last, where nothing is eligible.
size_t fastest_of(const std::vector<ModePlan>& modes, bool only_cached) {
  size_t fastest = modes.size() - 1;
  for (size_t i = modes.size(); i-- > 0;) {
    if (!is_eligible(modes[i], only_cached)) continue;
    const bool is_first = !is_eligible(modes[fastest], only_cached);
    if (is_first || modes[i].total_seconds <= modes[fastest].total_seconds) fastest = i;
  }
  return fastest;
}

size_t best_of(const PlanInput& input, const std::vector<ModePlan>& modes, bool only_cached) {
  size_t best = fastest_of(modes, only_cached);
  const double most = kAsGood * modes[best].total_seconds;
  for (size_t i = 0; i < modes.size(); ++i) {
    const bool is_as_good = is_eligible(modes[i], only_cached) && modes[i].total_seconds <= most;
    if (is_as_good && is_preferred(input, modes[i], modes[best])) best = i;
  }
  return best;
}

}  // namespace

const char* name_of(Mode mode) {
  static constexpr const char* kNames[] = {"cached", "mixed", "online"};
  return kNames[static_cast<size_t>(mode)];
}

const char* name_of(Limit limit) {
  static constexpr const char* kNames[] = {"devices", "storage", "decoding"};
  return kNames[static_cast<size_t>(limit)];
}

std::optional<int64_t> break_even(double build_seconds, double cached_epoch_seconds, double online_epoch_seconds) {
  const double saved = online_epoch_seconds - cached_epoch_seconds;
  if (saved <= 0 || build_seconds / saved > kForever) return std::nullopt;
  return std::max<int64_t>(1, static_cast<int64_t>(std::ceil(build_seconds / saved)));
}

Plan make_plan(const PlanInput& input) {
  Plan plan;
  plan.train_records = input.train_videos * input.train_views;
  plan.eval_records = input.eval_videos * input.eval_views;
  const ModePlan online = plan_online(input);
  for (const Mode mode : {Mode::kCached, Mode::kMixed}) {
    for (const CodecBytes& codec : input.codecs) {
      plan.modes.push_back(plan_cache(input, static_cast<double>(plan.records()), mode, codec, online));
    }
  }
  plan.modes.push_back(online);
  plan.fastest = fastest_of(plan.modes, /*only_cached=*/false);
  plan.recommended = best_of(input, plan.modes, /*only_cached=*/false);
  plan.recommended_cached = best_of(input, plan.modes, /*only_cached=*/true);
  return plan;
}

}  // namespace permafrost::launch
