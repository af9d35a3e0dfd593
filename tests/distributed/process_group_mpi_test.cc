#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <torch/types.h>

#include <string>
#include <vector>

#include "core/base/error.h"
#include "distributed/process_group.h"

namespace permafrost::distributed {
namespace {

using c10d::ReduceOp;

class CpuGroup : public testing::Test {
 protected:
  torch::Tensor reduce(const torch::Tensor& tensor, ReduceOp::RedOpType reduction) {
    std::vector<torch::Tensor> tensors = {tensor};
    c10d::AllreduceOptions options;
    options.reduceOp = reduction;
    group_->allreduce(tensors, options)->wait();
    return tensor;
  }
  int rank() const { return world_.rank(); }
  int size() const { return world_.size(); }

  Communicator world_{MPI_COMM_WORLD};
  c10::intrusive_ptr<c10d::ProcessGroup> group_ = make_process_group(world_, torch::Device(torch::kCPU));
};

TEST_F(CpuGroup, KnowsItsRanks) {
  EXPECT_EQ(group_->getRank(), rank());
  EXPECT_EQ(group_->getSize(), size());
}

TEST_F(CpuGroup, ReducesEveryTypeItOffers) {
  for (const auto type :
       {torch::kFloat, torch::kDouble, torch::kInt, torch::kLong, torch::kByte, torch::kBFloat16, torch::kHalf}) {
    const torch::Tensor mine = torch::arange(1, 6).mul(rank() + 1).to(type);
    const torch::Tensor first = torch::arange(1, 6);
    const int64_t factor = size() * (size() + 1) / 2;
    EXPECT_TRUE(torch::equal(reduce(mine.clone(), ReduceOp::SUM), first.mul(factor).to(type))) << type;
    EXPECT_TRUE(torch::equal(reduce(mine.clone(), ReduceOp::MAX), first.mul(size()).to(type))) << type;
    EXPECT_TRUE(torch::equal(reduce(mine.clone(), ReduceOp::MIN), first.to(type))) << type;
  }
}

TEST_F(CpuGroup, AveragesFloatingPointOnly) {
  const torch::Tensor mine = torch::full({7}, static_cast<double>(rank()));
  EXPECT_TRUE(torch::equal(reduce(mine, ReduceOp::AVG), torch::full({7}, (size() - 1) / 2.0)));
  EXPECT_THROW(reduce(torch::ones({2}, torch::kLong), ReduceOp::AVG), c10::Error);
}

TEST_F(CpuGroup, ReducesAViewWithoutTouchingItsNeighbours) {
  torch::Tensor whole = torch::ones({4, 6});
  reduce(whole.narrow(1, 2, 2), ReduceOp::SUM);
  torch::Tensor expected = torch::ones({4, 6});
  expected.narrow(1, 2, 2).fill_(size());
  EXPECT_TRUE(torch::equal(whole, expected));
}

TEST_F(CpuGroup, ReducesAnEmptyTensor) { EXPECT_EQ(reduce(torch::ones({0}), ReduceOp::SUM).numel(), 0); }

TEST_F(CpuGroup, SumsToTheSameBitsOnEveryRankAndEveryTime) {
  torch::manual_seed(rank());
  const torch::Tensor mine = torch::randn({1'000'003});
  const torch::Tensor once = reduce(mine.clone(), ReduceOp::SUM);
  const torch::Tensor again = reduce(mine.clone(), ReduceOp::SUM);
  EXPECT_TRUE(torch::equal(once, again));
  const std::string bits(static_cast<const char*>(once.data_ptr()), once.nbytes());
  EXPECT_TRUE(world_.broadcast(bits) == bits);
}

TEST_F(CpuGroup, KeepsTheOrderOfManyReductionsUnderWay) {
  std::vector<std::vector<torch::Tensor>> tensors;
  std::vector<c10::intrusive_ptr<c10d::Work>> works;
  for (int64_t i = 0; i < 50; ++i) {
    tensors.push_back({torch::full({(i * 7919) % 5000 + 1}, static_cast<double>(i))});
    works.push_back(group_->allreduce(tensors.back()));
  }
  for (size_t i = works.size(); i-- > 0;) {
    works[i]->wait();
    const torch::Tensor expected = torch::full_like(tensors[i][0], static_cast<double>(i) * size());
    EXPECT_TRUE(torch::equal(tensors[i][0], expected)) << i;
  }
}

TEST_F(CpuGroup, FinishesTheFutureWithTheTensor) {
  std::vector<torch::Tensor> tensors = {torch::ones({3})};
  const auto future = group_->allreduce(tensors)->getFuture();
  future->wait();
  EXPECT_TRUE(future->value().toTensorVector().at(0).is_same(tensors[0]));
  EXPECT_EQ(tensors[0][0].item<int>(), size());
}

TEST_F(CpuGroup, BroadcastsFromAnyRankIntoAnyLayout) {
  for (int root = 0; root < size(); ++root) {
    std::vector<torch::Tensor> tensors = {torch::full({3, 5}, rank()).t()};
    c10d::BroadcastOptions options;
    options.rootRank = root;
    group_->broadcast(tensors, options)->wait();
    EXPECT_TRUE(torch::equal(tensors[0], torch::full({5, 3}, root)));
  }
}

TEST_F(CpuGroup, GathersInOrderOfRank) {
  std::vector<torch::Tensor> inputs = {torch::full({2, 3}, rank(), torch::kLong)};
  std::vector<std::vector<torch::Tensor>> outputs(1);
  for (int i = 0; i < size(); ++i) outputs[0].push_back(torch::full({2, 3}, -1, torch::kLong));
  group_->allgather(outputs, inputs)->wait();
  torch::Tensor flat = torch::full({size() * 2, 3}, -1, torch::kLong);
  group_->_allgather_base(flat, inputs[0])->wait();
  for (int i = 0; i < size(); ++i) {
    EXPECT_TRUE(torch::equal(outputs[0][static_cast<size_t>(i)], torch::full({2, 3}, i, torch::kLong)));
    EXPECT_TRUE(torch::equal(flat.narrow(0, 2 * i, 2), torch::full({2, 3}, i, torch::kLong)));
  }
}

TEST_F(CpuGroup, RefusesWhatItCannotReduce) {
  EXPECT_THROW(reduce(torch::ones({2}, torch::kComplexFloat), ReduceOp::SUM), c10::Error);
  EXPECT_THROW(reduce(torch::ones({2}, torch::kLong), ReduceOp::BXOR), c10::Error);
  std::vector<torch::Tensor> two = {torch::ones({2}), torch::ones({2})};
  EXPECT_THROW(group_->allreduce(two), c10::Error);
}

TEST_F(CpuGroup, CompletesWhatNobodyWaitedFor) {
  std::vector<torch::Tensor> tensors = {torch::ones({100'000})};
  group_->allreduce(tensors);
  group_.reset();
  EXPECT_TRUE(torch::equal(tensors[0], torch::full({100'000}, static_cast<double>(size()))));
}

// That MPI halves and doubles, as MpiSession wants it, shows only on a slow link: here, that MPI was told.
TEST_F(CpuGroup, ReducesByHalvingAndDoubling) {
  int provided = 0, index = 0, count = 0, algorithm = 0;
  MPI_T_cvar_handle handle = MPI_T_CVAR_HANDLE_NULL;
  ASSERT_EQ(MPI_T_init_thread(MPI_THREAD_MULTIPLE, &provided), MPI_SUCCESS);
  ASSERT_EQ(MPI_T_cvar_get_index("coll_libnbc_iallreduce_algorithm", &index), MPI_SUCCESS);
  ASSERT_EQ(MPI_T_cvar_handle_alloc(index, nullptr, &handle, &count), MPI_SUCCESS);
  EXPECT_EQ(MPI_T_cvar_read(handle, &algorithm), MPI_SUCCESS);
  EXPECT_EQ(algorithm, 3);
  EXPECT_EQ(MPI_T_cvar_handle_free(&handle), MPI_SUCCESS);
  EXPECT_EQ(MPI_T_finalize(), MPI_SUCCESS);
}

TEST_F(CpuGroup, PassesABarrier) { EXPECT_TRUE(group_->barrier()->wait()); }

TEST(ProcessGroup, RefusesADeviceThatIsNotThere) {
  Communicator world(MPI_COMM_WORLD);
  EXPECT_THROW(make_process_group(world, torch::Device(torch::kCUDA, 99)), core::ConfigError);
  EXPECT_THROW(make_process_group(world, torch::Device(torch::kMeta)), core::ConfigError);
}

TEST(ProcessGroup, RefusesRanksOnDevicesOfTwoKinds) {
  Communicator world(MPI_COMM_WORLD);
  if (world.size() == 1) return;  // none to differ from
  const torch::Device own = world.rank() == world.size() - 1 ? torch::kCUDA : torch::kCPU;
  try {
    make_process_group(world, own);
    ADD_FAILURE() << "expected a ConfigError";
  } catch (const core::ConfigError& error) {
    const std::string other = "rank " + std::to_string(world.size() - 1) + " on cuda";
    EXPECT_THAT(error.what(), testing::HasSubstr(other));
  }
}

}  // namespace
}  // namespace permafrost::distributed
