#include "launch/plan/scaling.h"

#include <algorithm>
#include <bit>
#include <cmath>

namespace permafrost::launch {
namespace {

// Of one core, for each byte of gradient: TCP out and in, an addition, a division. Measured with OpenMPI 4.1 over a
// pair of virtual Ethernet devices.
constexpr double kHostSecondsPerByte = 0.9e-9;

// Ranks of a node are neighbours, as mpirun and srun place them.
double exchange(double bytes, int64_t distance, int64_t ranks, const Interconnect& interconnect) {
  const int64_t local = std::min(interconnect.ranks_per_node, ranks);
  if (distance < local) {
    return interconnect.within.latency_seconds + bytes / interconnect.within.bytes_per_second;
  }
  return interconnect.between.latency_seconds +
         bytes * static_cast<double>(local) / interconnect.between.bytes_per_second;
}

double halving_and_doubling(double bytes, int64_t ranks, const Interconnect& interconnect) {
  const auto whole = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(ranks)));
  double seconds = 0, part = bytes;
  for (int64_t distance = 1; distance < whole; distance *= 2) {
    part /= 2;
    seconds += 2 * exchange(part, distance, ranks, interconnect);
  }
  if (ranks == whole) return seconds;
  return seconds + 2 * exchange(bytes / 2, 1, ranks, interconnect) + exchange(bytes, 1, ranks, interconnect);
}

int64_t nodes_of(int64_t ranks, const Interconnect& interconnect) {
  return (ranks + interconnect.ranks_per_node - 1) / interconnect.ranks_per_node;
}

double ring_or_tree(double bytes, int64_t ranks, const Interconnect& interconnect) {
  const auto count = static_cast<double>(ranks), nodes = static_cast<double>(nodes_of(ranks, interconnect));
  const Link &within = interconnect.within, &between = interconnect.between;
  const double bandwidth =
      nodes == 1 ? within.bytes_per_second : std::min(within.bytes_per_second, between.bytes_per_second);
  const double ring = 2 * (count - 1) / count * bytes / bandwidth +
                      2 * ((nodes - 1) * between.latency_seconds + (count - nodes) * within.latency_seconds);
  const double tree = 2 * bytes / bandwidth +
                      2 * (std::log2(nodes) * between.latency_seconds + (count / nodes - 1) * within.latency_seconds);
  return std::min(ring, tree);
}

double agreement_seconds(int64_t ranks, const Interconnect& interconnect) {
  double seconds = 0;
  for (int64_t distance = 1; distance < ranks; distance *= 2) seconds += 2 * exchange(0, distance, ranks, interconnect);
  return seconds;
}

ScalingRow row_of(const ScalingInput& input, int64_t ranks) {
  ScalingRow row{.ranks = ranks, .nodes = nodes_of(ranks, input.interconnect)};
  row.compute_seconds = input.compute_seconds;
  if (ranks > 1) row.compute_seconds += host_seconds(input);
  row.compute_seconds *= 1 + input.spread * expected_maximum(ranks);
  const double stretch = row.compute_seconds / input.compute_seconds;
  double launched = 0, done = 0;
  for (const Bucket& bucket : input.buckets) {
    const double seconds = all_reduce_seconds(static_cast<double>(bucket.bytes), ranks, input.interconnect);
    launched = std::max(launched, bucket.launched * stretch);
    done = std::max(launched, done) + seconds;
    row.reduction_seconds += seconds;
  }
  row.exposed_seconds = done - launched;
  row.step_seconds = row.compute_seconds + row.exposed_seconds + agreement_seconds(ranks, input.interconnect);
  row.efficiency = input.compute_seconds / row.step_seconds;
  row.clips_per_second = static_cast<double>(ranks) * input.clips / row.step_seconds;
  return row;
}

}  // namespace

double all_reduce_seconds(double bytes, int64_t ranks, const Interconnect& interconnect) {
  if (ranks == 1) return 0;
  return interconnect.is_nccl ? ring_or_tree(bytes, ranks, interconnect)
                              : halving_and_doubling(bytes, ranks, interconnect);
}

double expected_maximum(int64_t ranks) {
  if (ranks == 1) return 0;
  const double share = (static_cast<double>(ranks) - 0.375) / (static_cast<double>(ranks) + 0.25);
  double low = 0, high = 10;  // deviations
  for (int step = 0; step < 60; ++step) {
    const double middle = (low + high) / 2;
    (1 - std::erfc(middle / std::sqrt(2.0)) / 2 < share ? low : high) = middle;
  }
  return low;
}

double host_seconds(const ScalingInput& input) {
  if (input.interconnect.is_nccl) return 0;
  double bytes = 0;
  for (const Bucket& bucket : input.buckets) bytes += static_cast<double>(bucket.bytes);
  return kHostSecondsPerByte * bytes / static_cast<double>(input.threads);
}

std::vector<ScalingRow> reckon_scaling(const ScalingInput& input, const std::vector<int64_t>& ranks) {
  std::vector<ScalingRow> rows;
  for (const int64_t count : ranks) rows.push_back(row_of(input, count));
  return rows;
}

}  // namespace permafrost::launch
