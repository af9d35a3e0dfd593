#include "distributed/gradient_reducer.h"

#include <ATen/ATen.h>

#include <numeric>
#include <torch/csrc/distributed/c10d/reducer.hpp>
#include <unordered_map>
#include <utility>

#include "core/base/error.h"
#include "core/base/random.h"

namespace permafrost::distributed {
namespace {

using Buckets = std::vector<std::vector<size_t>>;

// Last layers first, as backward reaches them first.
Buckets fixed_buckets(const std::vector<at::Tensor>& parameters, const GradientReducerOptions& options) {
  const std::vector<at::Tensor> reversed(parameters.rbegin(), parameters.rend());
  std::vector<int64_t> indices(parameters.size());
  std::iota(indices.rbegin(), indices.rend(), 0);
  const std::vector<size_t> limits = {static_cast<size_t>(options.first_bucket_bytes),
                                      static_cast<size_t>(options.bucket_bytes)};
  return std::get<0>(
      c10d::compute_bucket_assignment_by_size(reversed, limits, std::vector<bool>(parameters.size(), false), indices));
}

std::unordered_map<size_t, std::string> numbered(const std::vector<std::string>& names) {
  std::unordered_map<size_t, std::string> result;
  for (size_t i = 0; i < names.size(); ++i) result[i] = names[i];
  return result;
}

// Types and shapes of all tensors, as a number that ranks can compare.
int64_t layout_hash(const std::vector<at::Tensor>& tensors) {
  std::ostringstream text;
  for (const at::Tensor& tensor : tensors) text << tensor.scalar_type() << tensor.sizes() << ';';
  return static_cast<int64_t>(core::stable_hash(text.str()));
}

void check_same_layout(const std::vector<at::Tensor>& tensors, const c10::intrusive_ptr<c10d::ProcessGroup>& group) {
  const auto options = at::TensorOptions().dtype(at::kLong).device(tensors.front().device());
  std::vector<at::Tensor> mine = {at::full({1}, layout_hash(tensors), options)};
  std::vector<std::vector<at::Tensor>> all(1);
  for (int rank = 0; rank < group->getSize(); ++rank) all[0].push_back(at::empty({1}, options));
  group->allgather(all, mine)->wait();
  for (int rank = 1; rank < group->getSize(); ++rank) {
    if (all[0][static_cast<size_t>(rank)].item<int64_t>() == all[0][0].item<int64_t>()) continue;
    throw core::ConfigError("rank " + std::to_string(rank) +
                            " has other parameters than rank 0 (number, type or shape): start every rank with the "
                            "same config and the same program");
  }
}

}  // namespace

class GradientReducer::FixedReducer : public c10d::Reducer {
 public:
  FixedReducer(const std::vector<at::Tensor>& parameters, c10::intrusive_ptr<c10d::ProcessGroup> group,
               const GradientReducerOptions& options)
      : Reducer(parameters, fixed_buckets(parameters, options), std::move(group),
                std::vector<bool>(parameters.size(), false), options.bucket_bytes,
                /*find_unused_parameters=*/false, /*gradient_as_bucket_view=*/true, numbered(options.names),
                options.first_bucket_bytes, /*skip_all_reduce_unused_params=*/false, /*use_python_reducer=*/false,
                /*bucket_bytes_cap_list=*/{}) {
    // Else it would note every gradient of every step for a rebuild that never comes, a leak.
    has_rebuilt_bucket_ = true;
  }

  int64_t bucket_count() const { return static_cast<int64_t>(buckets_.size()); }
  bool has_reduced_everything() const { return next_bucket_ == buckets_.size() && !require_finalize_; }
};

GradientReducer::GradientReducer(std::vector<at::Tensor> parameters, c10::intrusive_ptr<c10d::ProcessGroup> group,
                                 GradientReducerOptions options)
    : parameters_(std::move(parameters)), names_(options.names) {
  PERMAFROST_CHECK(!parameters_.empty(), "no parameter to train");
  PERMAFROST_CHECK(names_.empty() || names_.size() == parameters_.size(), "one name for each parameter, or none");
  for (size_t i = 0; i < parameters_.size(); ++i) {
    PERMAFROST_CHECK(parameters_[i].requires_grad(), name_of(i) + " is frozen: leave it out");
  }
  if (!group || group->getSize() == 1) return;
  clock_ = std::make_unique<BucketClock>(group);
  reducer_ = std::make_unique<FixedReducer>(parameters_, std::move(group), options);
  reducer_->register_comm_hook(clock_->hook());
}

GradientReducer::~GradientReducer() = default;

void GradientReducer::prepare_for_backward() {
  if (!reducer_) return;
  clock_->start();
  reducer_->prepare_for_backward({});
}

void GradientReducer::finish() {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    PERMAFROST_CHECK(parameters_[i].grad().defined(), name_of(i) + " got no gradient: the loss does not depend on it");
  }
  if (reducer_) PERMAFROST_CHECK(reducer_->has_reduced_everything(), "backward ended before every bucket was reduced");
}

void GradientReducer::release_gradients() {
  for (at::Tensor& parameter : parameters_) parameter.mutable_grad().reset();
}

int64_t GradientReducer::bucket_count() const { return reducer_ ? reducer_->bucket_count() : 0; }

std::vector<BucketTimes> GradientReducer::bucket_times() const {
  return clock_ ? clock_->times() : std::vector<BucketTimes>();
}

std::string GradientReducer::name_of(size_t parameter) const {
  return names_.empty() ? "parameter " + std::to_string(parameter) : names_[parameter];
}

std::vector<int64_t> bucket_bytes(const std::vector<at::Tensor>& parameters, const GradientReducerOptions& options) {
  std::vector<int64_t> bytes;
  for (const std::vector<size_t>& bucket : fixed_buckets(parameters, options)) {
    bytes.push_back(0);
    for (const size_t i : bucket) bytes.back() += static_cast<int64_t>(parameters[i].nbytes());
  }
  return bytes;
}

void broadcast_parameters(const std::vector<at::Tensor>& tensors, const c10::intrusive_ptr<c10d::ProcessGroup>& group) {
  if (!group || group->getSize() == 1 || tensors.empty()) return;
  const at::NoGradGuard no_grad;
  check_same_layout(tensors, group);
  std::vector<c10::intrusive_ptr<c10d::Work>> works;
  for (const at::Tensor& tensor : tensors) {
    std::vector<at::Tensor> one = {tensor.detach()};
    works.push_back(group->broadcast(one));
  }
  for (const auto& work : works) work->wait();
}

}  // namespace permafrost::distributed
