// What building a cache and training would take on a machine that nobody has paid for yet: bytes, bandwidth, hours, and
// after how many epochs a cache has paid for its build.
//
//   PlanInput input{.nodes = 8, .devices_per_node = 8, .train_videos = 658340, ...};
//   const Plan plan = make_plan(input);
//   plan.modes[plan.recommended].epoch_seconds
//
// Arithmetic alone: reads nothing, measures nothing. Bytes, seconds, clips a second; SI (1 GB = 1e9 bytes).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "launch/plan/memory.h"

namespace permafrost::launch {

struct Rate {
  double per_second = 0;
  std::string origin = "assumed";  // or the option or the file that says so
};

struct CodecBytes {
  std::string codec;
  double record_bytes = 0;        // of one clip, every layer
  double mixed_record_bytes = 0;  // of one clip, every other layer
};

struct PlanInput {
  int64_t nodes = 1, devices_per_node = 1, cores_per_node = 8;
  std::string cores_origin = "assumed";

  int64_t train_videos = 0, eval_videos = 0;
  std::string videos_origin;
  int64_t train_views = 1, eval_views = 1;  // records of a video; of the latter, crops counted
  double epochs = 1;

  int64_t frames = 0, spatial_frames = 0;   // F, and t of them for the frozen encoder
  double frozen_flops = 0, step_flops = 0;  // of one clip; a multiply-add is 2
  double mixed_share = 0.5;                 // of the frozen forward, that a mixed step computes
  std::vector<CodecBytes> codecs;
  std::string codec;  // the config's
  StepMemory memory;

  Rate frozen, step;          // clips a second of one device
  Rate decode;                // clips a second of one core
  Rate storage, writing;      // bytes a second of one node
  double capacity_bytes = 0;  // 0: no bound
};

enum class Mode { kCached, kMixed, kOnline };
const char* name_of(Mode mode);

// What everything else waits for.
enum class Limit { kDevices, kStorage, kDecoding };
const char* name_of(Limit limit);

struct ModePlan {
  Mode mode = Mode::kOnline;
  std::string codec;  // empty where online
  double record_bytes = 0;
  double cache_bytes = 0;
  double build_seconds = 0;
  Limit build_limit = Limit::kDevices;
  double needed_bytes_per_second = 0;  // of one node's storage, for its devices never to wait
  double clips_per_second = 0;         // of all nodes
  double epoch_seconds = 0;
  Limit limit = Limit::kDevices;
  double total_seconds = 0;                  // the build and every epoch
  std::optional<int64_t> break_even_epochs;  // none: never, or online itself
  bool fits = true;                          // within capacity_bytes
};

struct Plan {
  int64_t train_records = 0, eval_records = 0;
  std::vector<ModePlan> modes;  // cached and mixed by codec, then online
  size_t fastest = 0;
  size_t recommended = 0;  // of those within 5 % of the fastest what asks least: no cache, the config's codec, bytes
  size_t recommended_cached = 0;  // of the caches that hold every layer; online's place where none fits

  int64_t records() const { return train_records + eval_records; }
  const ModePlan& best() const { return modes[recommended]; }
  const ModePlan& online() const { return modes.back(); }
};

// Every rate and count of `input` but the capacity is above 0.
Plan make_plan(const PlanInput& input);

// The least whole number of epochs after which build + epochs * cached <= epochs * online; none: never.
std::optional<int64_t> break_even(double build_seconds, double cached_epoch_seconds, double online_epoch_seconds);

}  // namespace permafrost::launch
