#include <gtest/gtest.h>
#include <torch/torch.h>

#include <limits>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "distributed/gradient_reducer.h"
#include "distributed/process_group.h"

namespace permafrost::distributed {
namespace {

using torch::nn::Linear;

constexpr int64_t kBatch = 8;  // divisible by the 1, 2 and 4 ranks of the test
constexpr int kSteps = 4;

torch::nn::Sequential make_network(uint64_t seed) {
  torch::manual_seed(seed);
  torch::nn::Sequential network;
  for (int layer = 0; layer < 4; ++layer) {
    network->push_back(Linear(32, 32));
    network->push_back(torch::nn::GELU());
  }
  network->push_back(Linear(32, 5));
  return network;
}

torch::Tensor make_inputs(int step) {
  torch::manual_seed(100 + step);
  return torch::randn({kBatch, 32});
}

torch::Tensor make_targets(int step) { return (torch::arange(kBatch) + step) % 5; }

torch::Tensor loss_of(torch::nn::Sequential& network, const torch::Tensor& inputs, const torch::Tensor& targets) {
  return torch::nn::functional::cross_entropy(network->forward(inputs), targets);
}

torch::Tensor flat(const std::vector<torch::Tensor>& tensors) {
  std::vector<torch::Tensor> rows;
  for (const torch::Tensor& tensor : tensors) rows.push_back(tensor.detach().flatten());
  return torch::cat(rows);
}

std::vector<torch::Tensor> gradients_of(const std::vector<torch::Tensor>& parameters) {
  std::vector<torch::Tensor> gradients;
  for (const torch::Tensor& parameter : parameters) gradients.push_back(parameter.grad());
  return gradients;
}

class GradientReducerTest : public testing::Test {
 protected:
  GradientReducerTest() { options_.bucket_bytes = options_.first_bucket_bytes = 4 << 10; }

  // This rank's share of the batch, in `parts` micro-batches of which only the last reduces.
  void backward(torch::nn::Sequential& network, GradientReducer& reducer, int step, int64_t parts = 1) {
    const int64_t share = kBatch / world_.size() / parts;
    for (int64_t part = 0; part < parts; ++part) {
      const int64_t start = (world_.rank() * parts + part) * share;
      if (part == parts - 1) reducer.prepare_for_backward();
      const torch::Tensor inputs = make_inputs(step).narrow(0, start, share);
      const torch::Tensor targets = make_targets(step).narrow(0, start, share);
      (loss_of(network, inputs, targets) / static_cast<double>(parts)).backward();
    }
    reducer.finish();
  }

  // Trains on the shares, from step `from`; returns the weights.
  torch::Tensor train(torch::nn::Sequential& network, int from, int to) {
    GradientReducer reducer(network->parameters(), group_, options_);
    torch::optim::SGD optimizer(network->parameters(), 0.1);
    for (int step = from; step < to; ++step) {
      backward(network, reducer, step);
      optimizer.step();
      reducer.release_gradients();
    }
    return flat(network->parameters());
  }

  bool is_the_same_everywhere(const torch::Tensor& tensor) {
    const std::string bits(static_cast<const char*>(tensor.data_ptr()), tensor.nbytes());
    bool is_same = true;
    for (const std::string& other : world_.all_gather_strings(bits)) is_same = is_same && other == bits;
    return is_same;
  }

  Communicator world_{MPI_COMM_WORLD};
  c10::intrusive_ptr<c10d::ProcessGroup> group_ = make_process_group(world_, torch::Device(torch::kCPU));
  GradientReducerOptions options_;
};

TEST_F(GradientReducerTest, GivesTheGradientOfTheWholeBatch) {
  torch::nn::Sequential network = make_network(1);
  GradientReducer reducer(network->parameters(), group_, options_);
  EXPECT_EQ(reducer.bucket_count() > 2, world_.size() > 1) << reducer.bucket_count() << " buckets";
  torch::nn::Sequential whole = make_network(1);
  for (int step = 0; step < kSteps; ++step) {
    backward(network, reducer, step);
    whole->zero_grad();
    loss_of(whole, make_inputs(step), make_targets(step)).backward();
    const torch::Tensor expected = flat(gradients_of(whole->parameters()));
    EXPECT_TRUE(torch::allclose(flat(gradients_of(network->parameters())), expected, 1e-5, 1e-7)) << step;
    EXPECT_GT(expected.abs().max().item<float>(), 1e-3);
    reducer.release_gradients();
  }
}

// So that all ranks skip the same steps, and go on as if there had been none.
TEST_F(GradientReducerTest, AGradientThatIsNotFiniteOnOneRankIsFiniteOnNone) {
  torch::nn::Sequential network = make_network(1);
  GradientReducer reducer(network->parameters(), group_, options_);
  reducer.prepare_for_backward();
  const double factor = world_.rank() == world_.size() - 1 ? std::numeric_limits<double>::infinity() : 1;
  (loss_of(network, make_inputs(0), make_targets(0)) * factor).backward();
  reducer.finish();
  for (const torch::Tensor& gradient : gradients_of(network->parameters())) {
    EXPECT_FALSE(torch::isfinite(gradient).any().item<bool>());
  }
  reducer.release_gradients();
  torch::nn::Sequential other = make_network(1);
  GradientReducer other_reducer(other->parameters(), group_, options_);
  backward(network, reducer, 1);
  backward(other, other_reducer, 1);
  EXPECT_TRUE(torch::equal(flat(gradients_of(network->parameters())), flat(gradients_of(other->parameters()))));
}

TEST_F(GradientReducerTest, AccumulatesMicroBatchesBeforeItReduces) {
  torch::nn::Sequential network = make_network(1);
  GradientReducer reducer(network->parameters(), group_, options_);
  torch::nn::Sequential whole = make_network(1);
  for (int step = 0; step < kSteps; ++step) {
    backward(network, reducer, step, 2);
    whole->zero_grad();
    loss_of(whole, make_inputs(step), make_targets(step)).backward();
    EXPECT_TRUE(
        torch::allclose(flat(gradients_of(network->parameters())), flat(gradients_of(whole->parameters())), 1e-5, 1e-7))
        << step;
    reducer.release_gradients();
  }
}

TEST_F(GradientReducerTest, KeepsTheWeightsIdenticalOnEveryRank) {
  torch::nn::Sequential network = make_network(static_cast<uint64_t>(world_.rank()));
  broadcast_parameters(network->parameters(), group_);
  EXPECT_TRUE(is_the_same_everywhere(flat(network->parameters())));
  const torch::Tensor before = flat(network->parameters());
  const torch::Tensor after = train(network, 0, kSteps);
  EXPECT_TRUE(is_the_same_everywhere(after));
  EXPECT_FALSE(torch::equal(before, after));
}

TEST_F(GradientReducerTest, GivesTheSameBitsWhenTrainingIsInterrupted) {
  torch::nn::Sequential through = make_network(1);
  const torch::Tensor expected = train(through, 0, kSteps);
  torch::nn::Sequential resumed = make_network(1);
  train(resumed, 0, 1);
  EXPECT_TRUE(torch::equal(train(resumed, 1, kSteps), expected));
}

TEST_F(GradientReducerTest, BroadcastsTheParametersOfRank0) {
  torch::nn::Sequential network = make_network(static_cast<uint64_t>(world_.rank()) + 1);
  broadcast_parameters(network->parameters(), group_);
  EXPECT_TRUE(torch::equal(flat(network->parameters()), flat(make_network(1)->parameters())));
}

TEST_F(GradientReducerTest, RefusesRanksWithOtherParameters) {
  const std::vector<torch::Tensor> mine = {torch::ones({world_.rank() == 0 ? 3 : 4})};
  if (world_.size() == 1) {
    EXPECT_NO_THROW(broadcast_parameters(mine, group_));
  } else {
    EXPECT_THROW(broadcast_parameters(mine, group_), core::ConfigError);
  }
}

TEST_F(GradientReducerTest, TellsWhenEachBucketWasReduced) {
  torch::nn::Sequential network = make_network(1);
  GradientReducer reducer(network->parameters(), group_, options_);
  for (const int64_t parts : {1, 2}) {
    backward(network, reducer, 0, parts);
    const std::vector<BucketTimes> buckets = reducer.bucket_times();
    ASSERT_EQ(static_cast<int64_t>(buckets.size()), reducer.bucket_count());
    int64_t bytes = 0;
    double launched = 0;
    for (const BucketTimes& bucket : buckets) {
      EXPECT_GE(bucket.launched, launched);
      EXPECT_GT(bucket.done, bucket.launched);
      launched = bucket.launched;
      bytes += bucket.bytes;
    }
    EXPECT_EQ(bytes, world_.size() == 1 ? 0 : flat(network->parameters()).numel() * 4);
    reducer.release_gradients();
  }
}

}  // namespace
}  // namespace permafrost::distributed
