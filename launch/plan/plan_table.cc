#include "launch/plan/plan_table.h"

#include <cstdio>
#include <vector>

#include "launch/plan/columns.h"

namespace permafrost::launch {
namespace {

constexpr double kGiga = 1e9, kMega = 1e6, kTera = 1e12, kHour = 3600;
constexpr size_t kTextColumns = 2;  // of the table of modes; the others hold numbers

std::string plain(double value) {
  char text[40];
  std::snprintf(text, sizeof text, "%g", value);
  return text;
}

std::string grouped(int64_t value) {
  std::string text = std::to_string(value);
  for (auto at = static_cast<int64_t>(text.size()) - 3; at > 0; at -= 3) text.insert(static_cast<size_t>(at), ",");
  return text;
}

std::string counted(int64_t count, const std::string& noun) {
  return grouped(count) + " " + noun + (count == 1 ? "" : "s");
}

using Row = std::vector<std::string>;

std::string head(const Plan& plan, const PlanInput& input, const PlanNames& names) {
  const StepMemory& memory = input.memory;
  return aligned(
      {{"plan", names.config + " on " + counted(input.nodes, "node") + " x " +
                    counted(input.devices_per_node, "device") + ", " + plain(input.epochs) + " epochs"},
       {"clip", grouped(input.frames) + " frames, " + grouped(input.spatial_frames) +
                    " of them through the frozen encoder (" + names.encoder + ")"},
       {"records", grouped(plan.records()) + ": " + counted(input.train_views, "view") + " of " +
                       grouped(input.train_videos) + " training videos, " + grouped(input.eval_views) + " of " +
                       grouped(input.eval_videos) + " others (" + input.videos_origin + ")"},
       {"FLOPs", number(input.frozen_flops / kTera) + " T frozen forward, " + number(input.step_flops / kTera) +
                     " T train step, of one clip; a multiply-add is 2 FLOPs"},
       {"memory", number(memory.bytes() / kGiga) + " GB a device in a cached step of " + counted(memory.clips, "clip") +
                      ", estimated: " + number(memory.state_bytes / kGiga) + " weights, gradients and Adam, " +
                      number(memory.batch_bytes / kGiga) + " batch, " + number(memory.activation_bytes / kGiga) +
                      " activations"}},
      kTextColumns);
}

std::string rates(const PlanInput& input) {
  const auto computing = [](const Rate& rate, double flops) {
    return number(rate.per_second) + " clips/s, " + number(rate.per_second * flops / kTera) + " TFLOP/s, a device";
  };
  return aligned({{"rate", "", "from"},
                  {"frozen forward", computing(input.frozen, input.frozen_flops), input.frozen.origin},
                  {"train step", computing(input.step, input.step_flops), input.step.origin},
                  {"decoding", number(input.decode.per_second) + " clips/s a core", input.decode.origin},
                  {"cores", grouped(input.cores_per_node) + " a node", input.cores_origin},
                  {"storage", number(input.storage.per_second / kGiga) + " GB/s a node", input.storage.origin},
                  {"writing", number(input.writing.per_second / kGiga) + " GB/s a node", input.writing.origin}},
                 kTextColumns + 1);
}

Row row_of(const ModePlan& mode) {
  if (mode.mode == Mode::kOnline) {
    return {name_of(mode.mode),
            "",
            "",
            "",
            "",
            "",
            number(mode.epoch_seconds / kHour),
            name_of(mode.limit),
            number(mode.total_seconds / kHour),
            ""};
  }
  return {name_of(mode.mode),
          mode.codec,
          number(mode.record_bytes / kMega),
          number(mode.cache_bytes / kTera),
          number(mode.build_seconds / kHour),
          number(mode.needed_bytes_per_second / kGiga),
          number(mode.epoch_seconds / kHour),
          name_of(mode.limit),
          number(mode.total_seconds / kHour),
          mode.break_even_epochs ? grouped(*mode.break_even_epochs) : "never"};
}

std::string modes(const Plan& plan, const PlanInput& input) {
  std::vector<Row> rows{
      {"mode", "codec", "record", "cache", "build", "step needs", "epoch", "waits for", "all + build", "break-even"},
      {"", "", "MB", "TB", "hours", "GB/s/node", "hours", "", "hours", "epochs"}};
  std::string misfits;
  for (const ModePlan& mode : plan.modes) {
    rows.push_back(row_of(mode));
    if (!mode.fits) misfits += (misfits.empty() ? "" : ", ") + described(mode);
  }
  if (!misfits.empty()) misfits = "more than " + number(input.capacity_bytes / kTera) + " TB: " + misfits + "\n";
  return aligned(rows, kTextColumns) + misfits;
}

std::string hours(const ModePlan& mode) { return described(mode) + " " + number(mode.total_seconds / kHour) + " h"; }

std::string why_online(const Plan& plan, const PlanInput& input) {
  const ModePlan& cached = plan.modes[plan.recommended_cached];
  if (cached.mode == Mode::kOnline)
    return "no cache of every layer fits into " + number(input.capacity_bytes / kTera) + " TB";
  if (cached.limit == Limit::kStorage) {
    return "a cached step needs " + number(cached.needed_bytes_per_second / kGiga) + " GB/s a node, storage gives " +
           number(input.storage.per_second / kGiga);
  }
  if (cached.total_seconds <= plan.best().total_seconds) return "a cache saves next to nothing and takes disk";
  return cached.break_even_epochs ? "a cache pays for its build after " + grouped(*cached.break_even_epochs) + " epochs"
                                  : "a cached step is no faster";
}

// A cache that is recommended has fewer hours than online, and so breaks even.
std::string why_cache(const ModePlan& best) {
  return "it has paid for its build after " + counted(best.break_even_epochs.value_or(1), "epoch");
}

// Why not the one that takes even fewer hours, where there is one.
std::string why_not_fastest(const Plan& plan) {
  const ModePlan& fastest = plan.modes[plan.fastest];
  if (fastest.total_seconds >= plan.best().total_seconds || &fastest == &plan.best()) return "";
  const std::string disk = number(fastest.cache_bytes / kTera) + " TB";
  return "; " + hours(fastest) + " is too near to tell apart" +
         (fastest.cache_bytes > plan.best().cache_bytes ? " and takes " + disk : "");
}

// What to look at before a codec other than the config's is taken.
std::string codec_caution(const Plan& plan, const PlanInput& input) {
  const ModePlan& best = plan.best();
  if (best.codec.empty() || best.codec == input.codec) return "";
  std::string text = "; see first what " + best.codec + " costs in accuracy";
  for (const ModePlan& mode : plan.modes) {
    if (mode.mode == best.mode && mode.codec == input.codec) {
      text += ", the config's " + hours(mode) + (mode.fits ? "" : " does not fit");
    }
  }
  return text;
}

std::string recommendation(const Plan& plan, const PlanInput& input) {
  return "recommended: " + described(plan.best()) + ": " + reason_of(plan, input) + "\n";
}

}  // namespace

std::string described(const ModePlan& mode) {
  return mode.codec.empty() ? name_of(mode.mode) : name_of(mode.mode) + (" " + mode.codec);
}

std::string reason_of(const Plan& plan, const PlanInput& input) {
  const ModePlan& best = plan.best();
  const ModePlan& cached = plan.modes[plan.recommended_cached];
  std::string text = number(best.total_seconds / kHour) + " h";
  std::string others;
  if (best.mode != Mode::kOnline) others += hours(plan.online());
  if (best.mode != Mode::kCached && cached.mode == Mode::kCached)
    others += (others.empty() ? "" : ", ") + hours(cached);
  if (!others.empty()) text += " (" + others + ")";
  return text + "; " + (best.mode == Mode::kOnline ? why_online(plan, input) : why_cache(best)) +
         why_not_fastest(plan) + codec_caution(plan, input);
}

std::string plan_table(const Plan& plan, const PlanInput& input, const PlanNames& names) {
  return head(plan, input, names) + "\n" + rates(input) + "\n" + modes(plan, input) + "\n" +
         recommendation(plan, input);
}

}  // namespace permafrost::launch
