#include "core/checkpoint/checkpoint_writer.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

namespace fs = std::filesystem;

class Writing : public ::testing::Test {
 protected:
  std::string root() const { return directory_ / "checkpoints"; }
  Checkpoint checkpoint_at(int64_t step) {
    weight_.fill_(static_cast<double>(step));
    return {.step = step,
            .model = {{"weight", weight_}},
            .optimizer = {{"weight.exp_avg", weight_}},
            .state = {{"epoch", step}}};
  }

  permafrost::testing::TemporaryDirectory directory_;
  torch::Tensor weight_ = torch::empty({1 << 20}, torch::requires_grad(false));
};

TEST_F(Writing, SavesWhatWasThereWhenItWasAsked) {
  CheckpointStore store(root(), 10);
  {
    CheckpointWriter writer(store);
    for (const int64_t step : {1, 2, 3}) {
      writer.save(checkpoint_at(step));
      weight_.fill_(-1);  // training goes on at once
    }
    writer.finish();
    EXPECT_EQ(store.list().size(), 3u);
    writer.save(checkpoint_at(4));
  }  // waits
  for (const std::string& path : store.list()) {
    const Checkpoint found = read_checkpoint(path);
    EXPECT_TRUE(torch::equal(found.model.at("weight"), torch::full({1 << 20}, static_cast<double>(found.step))));
    EXPECT_EQ(found.state["epoch"], found.step);
  }
  EXPECT_EQ(store.load_newest()->step, 4);
}

TEST_F(Writing, FollowsTensorsThatChangeTheirShape) {
  CheckpointStore store(root(), 10);
  CheckpointWriter writer(store);
  writer.save(checkpoint_at(1));
  weight_ = torch::empty({3});
  writer.save(checkpoint_at(2));
  writer.finish();
  EXPECT_TRUE(torch::equal(store.load_newest()->model.at("weight"), torch::full({3}, 2.0)));
}

TEST_F(Writing, TellsOnceWhatWentWrong) {
  CheckpointStore store(root(), 10);
  CheckpointWriter writer(store);
  fs::remove(root());
  std::ofstream(root()) << "a file where a folder was";
  writer.save(checkpoint_at(1));
  EXPECT_ANY_THROW(writer.finish());
  writer.finish();
  writer.save(checkpoint_at(2));
  EXPECT_ANY_THROW(while (true) writer.poll());
}

}  // namespace
}  // namespace permafrost::core
