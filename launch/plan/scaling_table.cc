#include "launch/plan/scaling_table.h"

#include "launch/plan/columns.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

constexpr double kMilli = 1e3, kMicro = 1e6, kMega = 1e6, kGiga = 1e9, kPercent = 100, kBits = 8;

std::string described(const Link& link) {
  return number(kBits * link.bytes_per_second / kGiga) + " Gbit/s, " + number(kMicro * link.latency_seconds) + " us";
}

json link_json(const Link& link) {
  return {{"gbit_per_second", kBits * link.bytes_per_second / kGiga}, {"latency_us", kMicro * link.latency_seconds}};
}

}  // namespace

std::string scaling_table(const ScalingInput& input, const std::vector<ScalingRow>& rows) {
  const Interconnect& links = input.interconnect;
  double bytes = 0;
  for (const Bucket& bucket : input.buckets) bytes += static_cast<double>(bucket.bytes);
  const std::string head = aligned(
      {{"compute", number(kMilli * input.compute_seconds) + " ms a step of " + number(input.clips) +
                       " clips on one rank (" + input.origin + "), spread " + number(kPercent * input.spread) + " %"},
       {"gradients", number(bytes / kMega) + " MB in " + std::to_string(input.buckets.size()) + " buckets"},
       {"links", described(links.between) + " of a node; " + described(links.within) + " within one of " +
                     std::to_string(links.ranks_per_node) + (links.is_nccl ? "; NCCL" : "; MPI")}},
      2);
  std::vector<std::vector<std::string>> table{
      {"ranks", "nodes", "step", "compute", "reduction", "exposed", "hidden", "efficiency", "clips/s"},
      {"", "", "ms", "ms", "ms", "ms", "%", "%", ""}};
  for (const ScalingRow& row : rows) {
    table.push_back({std::to_string(row.ranks), std::to_string(row.nodes), number(kMilli * row.step_seconds),
                     number(kMilli * row.compute_seconds), number(kMilli * row.reduction_seconds),
                     number(kMilli * row.exposed_seconds), number(kPercent * row.hidden()),
                     number(kPercent * row.efficiency), number(row.clips_per_second)});
  }
  return head + "\n" + aligned(table, 0);
}

json scaling_json(const ScalingInput& input, const std::vector<ScalingRow>& rows) {
  json buckets = json::array(), scaling = json::array();
  for (const Bucket& bucket : input.buckets) {
    buckets.push_back({{"bytes", bucket.bytes}, {"launched_ms", kMilli * bucket.launched}});
  }
  for (const ScalingRow& row : rows) {
    scaling.push_back({{"ranks", row.ranks},
                       {"nodes", row.nodes},
                       {"step_ms", kMilli * row.step_seconds},
                       {"compute_ms", kMilli * row.compute_seconds},
                       {"reduction_ms", kMilli * row.reduction_seconds},
                       {"exposed_ms", kMilli * row.exposed_seconds},
                       {"hidden_share", row.hidden()},
                       {"efficiency", row.efficiency},
                       {"clips_per_second", row.clips_per_second}});
  }
  return {{"compute_ms", kMilli * input.compute_seconds},
          {"origin", input.origin},
          {"clips_per_rank", input.clips},
          {"threads", input.threads},
          {"spread", input.spread},
          {"backend", input.interconnect.is_nccl ? "nccl" : "mpi"},
          {"buckets", buckets},
          {"link", link_json(input.interconnect.between)},
          {"link_within_a_node", link_json(input.interconnect.within)},
          {"ranks_per_node", input.interconnect.ranks_per_node},
          {"scaling", scaling}};
}

}  // namespace permafrost::launch
