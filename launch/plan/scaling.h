// How training scales: the time of a step and what it gives, at any number of ranks, before there are so many.
//
//   const ScalingInput input{.compute_seconds = 0.4, .clips = 8, .buckets = {{4 << 20, 0.1}, {4 << 20, 0.2}}, ...};
//   for (const ScalingRow& row : reckon_scaling(input, {1, 2, 4})) row.efficiency;
//
// Weak scaling: a rank keeps its clips, so the global batch grows with the ranks. Arithmetic alone, seconds and bytes:
//
//   step(p)     compute(p) + exposed(p) + agreement(p)
//   compute(p)  (compute + host * bytes / threads) * (1 + spread * m(p)): the slowest rank holds up the others; m(p) is
//               the expected maximum of p normal deviates, Phi^-1((p - 3/8) / (p + 1/4)) (Blom 1958). `host` is what
//               TCP and additions take from the cores that compute: nothing on a GPU
//   exposed(p)  done(last) - launched(last) of the buckets in their order, launched as compute(p) stretches them:
//               done(i) = max(launched(i), done(i - 1)) + reduce(bytes(i), p). One link: what overlaps on it gains
//               nothing
//   agreement   2 ceil(log2 p) messages: whether any rank was asked to stop, up a tree and down
//
// reduce(S, p) over CPUs is what MPI does (distributed/mpi_session.cc): halving and doubling (Thakur, Rabenseifner and
// Gropp 2005). For every distance d = 1, 2, 4, .. < p two exchanges of S / 2d bytes, each
//   latency + bytes / bandwidth               where d is within a node
//   latency + bytes * ranks / bandwidth       of the node's link otherwise, which its ranks share
// and where p is no power of two, two exchanges of S / 2 and one of S with a neighbour beside these. Over GPUs it is
// the faster of NCCL's ring, 2 (p - 1) / p * S / B + 2 (p - 1) hops, and its tree, 2 S / B + 2 log2(p) hops.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace permafrost::launch {

struct Link {
  double bytes_per_second = 0;
  double latency_seconds = 0;  // of a message, one way
};

struct Interconnect {
  Link between;  // one of each node, which its ranks share
  Link within;   // of each rank, to the others of its node
  int64_t ranks_per_node = 1;
  bool is_nccl = false;  // GPUs
};

struct Bucket {
  int64_t bytes = 0;
  double launched = 0;  // seconds since backward began
};

struct ScalingInput {
  double compute_seconds = 0;   // of a step of one rank alone
  std::string origin;           // of that
  double clips = 1;             // of a rank's step
  int64_t threads = 1;          // of a rank
  double spread = 0;            // standard deviation of compute over the ranks, relative
  std::vector<Bucket> buckets;  // in the order of their launch
  Interconnect interconnect;
};

struct ScalingRow {
  int64_t ranks = 1, nodes = 1;
  double step_seconds = 0, compute_seconds = 0;
  double reduction_seconds = 0;  // gradients on their way
  double exposed_seconds = 0;    // of that, nothing computed beside
  double efficiency = 1;         // one rank's step over this one
  double clips_per_second = 0;   // of all ranks

  double hidden() const { return reduction_seconds > 0 ? 1 - exposed_seconds / reduction_seconds : 1; }
};

double all_reduce_seconds(double bytes, int64_t ranks, const Interconnect& interconnect);
// m(p) above, 0 of one.
double expected_maximum(int64_t ranks);
// What reduction takes from the cores of a rank, seconds of one thread.
double host_seconds(const ScalingInput& input);

std::vector<ScalingRow> reckon_scaling(const ScalingInput& input, const std::vector<int64_t>& ranks);

}  // namespace permafrost::launch
