// Data parallelism: the gradient of every parameter, averaged over the ranks while backward still runs.
//
//   broadcast_parameters(parameters, group);              // once, before the first step
//   GradientReducer reducer(parameters, group);
//   for (each step) {
//     for (each micro-batch but the last) loss(batch).backward();
//     reducer.prepare_for_backward(); loss(batch).backward(); reducer.finish();
//     optimizer.step(); reducer.release_gradients();
//   }
//
// c10d::Reducer does the work: gradients lie in buckets, a bucket is reduced as soon as its last gradient is there, and
// grad() is a view into it. The buckets are fixed from the parameters alone, not rebuilt after the first step as
// PyTorch's wrapper does: the order of a sum depends on where in its bucket a gradient lies, so a resumed run would
// otherwise differ in its last bits from one that was not interrupted. Same ranks, same bits.
// With one rank, or a null group, there is no Reducer, no bucket, no copy; the calls stay the same.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/ProcessGroup.hpp>
#include <vector>

#include "distributed/bucket_clock.h"

namespace permafrost::distributed {

struct GradientReducerOptions {
  // Larger: fewer, more efficient reductions; smaller: more of them overlap, and less is left to reduce when backward
  // ends (the last bucket). DiST has 80 to 160 MB of gradients. Changing it changes the last bits.
  int64_t bucket_bytes = int64_t{4} << 20;
  // The bucket of the last layers is there first: a small one starts the reduction early.
  int64_t first_bucket_bytes = int64_t{1} << 20;
  // Names of the parameters for messages; may be empty.
  std::vector<std::string> names;
};

class GradientReducer {
 public:
  // `parameters` in the order of the forward pass, the same on every rank, each with requires_grad() (else the program
  // ends with a message: a bug).
  GradientReducer(std::vector<at::Tensor> parameters, c10::intrusive_ptr<c10d::ProcessGroup> group,
                  GradientReducerOptions options = {});
  ~GradientReducer();
  GradientReducer(const GradientReducer&) = delete;
  GradientReducer& operator=(const GradientReducer&) = delete;

  // The next backward reduces; a backward without this call before it only accumulates. Collective from here until
  // backward returns.
  void prepare_for_backward();
  // After that backward: checks that every bucket was reduced. A parameter that got no gradient would leave its bucket
  // waiting for ever and the ranks apart, so it ends the program with its name: a bug.
  void finish();
  // Instead of Optimizer::zero_grad(), which detaches the views and throws.
  void release_gradients();

  // 0 with one rank.
  int64_t bucket_count() const;
  // Of the last backward that reduced; none with one rank.
  std::vector<BucketTimes> bucket_times() const;

 private:
  class FixedReducer;

  std::string name_of(size_t parameter) const;

  std::vector<at::Tensor> parameters_;
  std::vector<std::string> names_;
  std::unique_ptr<BucketClock> clock_;     // none with one rank
  std::unique_ptr<FixedReducer> reducer_;  // there neither
};

// Bytes of the buckets that a GradientReducer makes of these parameters, in the order of their launch.
std::vector<int64_t> bucket_bytes(const std::vector<at::Tensor>& parameters, const GradientReducerOptions& options);

// Gives every rank the values of rank 0, parameters and buffers alike. Collective. Throws ConfigError when the ranks
// differ in number, type or shape of the tensors: they were not started with the same options.
void broadcast_parameters(const std::vector<at::Tensor>& tensors, const c10::intrusive_ptr<c10d::ProcessGroup>& group);

}  // namespace permafrost::distributed
