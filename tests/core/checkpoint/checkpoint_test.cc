#include "core/checkpoint/checkpoint.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <filesystem>
#include <fstream>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/random.h"
#include "tests/temporary_directory.h"

namespace permafrost::core {
namespace {

namespace fs = std::filesystem;

Checkpoint checkpoint_at(int64_t step) {
  Checkpoint checkpoint;
  checkpoint.step = step;
  checkpoint.model = {{"weight", torch::full({16}, static_cast<double>(step))}};
  checkpoint.optimizer = {{"weight.exp_avg", torch::zeros({16})}};
  checkpoint.state = {{"epoch", 1}};
  return checkpoint;
}

class Checkpoints : public ::testing::Test {
 protected:
  std::string root() const { return directory_ / "checkpoints"; }
  permafrost::testing::TemporaryDirectory directory_;
};

TEST_F(Checkpoints, GiveBackWhatWasSaved) {
  CheckpointStore store(root(), 3);
  EXPECT_FALSE(store.load_newest().has_value());
  store.save(checkpoint_at(7));
  const auto loaded = store.load_newest();
  ASSERT_TRUE(loaded.has_value());
  EXPECT_EQ(loaded->step, 7);
  EXPECT_TRUE(torch::equal(loaded->model.at("weight"), torch::full({16}, 7.0)));
  EXPECT_EQ(loaded->state["epoch"], 1);
  EXPECT_EQ(loaded->state["weights_sha256"].get<std::string>().size(), 64u);
}

TEST_F(Checkpoints, KeepTheNewestAndLatestNamesIt) {
  CheckpointStore store(root(), 2);
  for (const int64_t step : {1, 2, 3, 10}) store.save(checkpoint_at(step));
  ASSERT_EQ(store.list().size(), 2u);
  EXPECT_EQ(fs::read_symlink(root() + "/latest"), "step-00000010");
  EXPECT_EQ(read_checkpoint(root() + "/latest").step, 10);
}

TEST_F(Checkpoints, KeepTheBestBesideTheNewest) {
  CheckpointStore store(root(), 1);
  EXPECT_THROW(store.load_best(), DataError);
  const std::vector<double> top1{0.25, 0.75, 0.5, 0.75};
  for (int64_t step = 1; step <= 4; ++step) {
    store.save(checkpoint_at(step));
    store.add_evaluation(step, {{"top1", top1[static_cast<size_t>(step) - 1]}});
  }
  store.save(checkpoint_at(5));  // not evaluated
  ASSERT_EQ(store.list().size(), 2u);
  EXPECT_EQ(store.load_best().step, 2);  // the older of equals
  EXPECT_EQ(store.load_newest()->step, 5);
  EXPECT_EQ(fs::read_symlink(root() + "/best"), "step-00000002");
  EXPECT_EQ(store.load_best().evaluation["top1"], 0.75);
  store.add_evaluation(4, {{"top1", 1}});  // which is there no more
  EXPECT_EQ(store.load_best().step, 2);
}

TEST_F(Checkpoints, ADamagedEvaluationIsNoneAndHarmsNoWeights) {
  CheckpointStore store(root(), 3);
  store.save(checkpoint_at(1));
  store.save(checkpoint_at(2));
  store.add_evaluation(1, {{"top1", 0.25}});
  store.add_evaluation(2, {{"top1", 0.125}});
  const std::string path = root() + "/step-00000002/evaluation.json";
  std::string text = read_text(path);
  text.replace(text.find("0.125"), 5, "0.925");
  std::ofstream(path, std::ios::binary) << text;
  EXPECT_EQ(store.load_best().step, 1);
  EXPECT_EQ(store.load_newest()->step, 2);
  EXPECT_TRUE(store.load_newest()->evaluation.is_null());
}

TEST_F(Checkpoints, FallBackToTheOneBeforeADamagedOne) {
  CheckpointStore store(root(), 3);
  store.save(checkpoint_at(1));
  store.save(checkpoint_at(2));
  fs::resize_file(root() + "/step-00000002/optimizer.safetensors", 20);
  EXPECT_EQ(store.load_newest()->step, 1);
  fs::remove(root() + "/step-00000001/state.json");
  EXPECT_THROW(store.load_newest(), DataError);
}

TEST_F(Checkpoints, DetectEveryFlippedBit) {
  CheckpointStore store(root(), 3);
  store.save(checkpoint_at(1));
  RandomStream random(1, {});
  for (const char* name : {"model.safetensors", "optimizer.safetensors", "state.json", "manifest.json"}) {
    const std::string path = root() + "/step-00000001/" + name;
    const std::string sound = read_text(path);
    for (int i = 0; i < 60; ++i) {
      std::string flipped = sound;
      flipped[random.below(flipped.size())] ^= static_cast<char>(1 << random.below(8));
      std::ofstream(path, std::ios::binary) << flipped;
      bool is_same = true;
      try {  // a flip in the manifest's own white space changes nothing that is read
        const Checkpoint read = read_checkpoint(root() + "/step-00000001");
        is_same = read.step == 1 && torch::equal(read.model.at("weight"), torch::ones({16})) &&
                  std::string(name) == "manifest.json";
      } catch (const Error&) {
      }
      EXPECT_TRUE(is_same) << name;
    }
    std::ofstream(path, std::ios::binary) << sound;
  }
  EXPECT_EQ(read_checkpoint(root() + "/step-00000001").step, 1);
}

TEST_F(Checkpoints, HalfWrittenOnesAreNeverRead) {
  CheckpointStore store(root(), 3);
  store.save(checkpoint_at(1));
  fs::copy(root() + "/step-00000001", root() + "/step-00000002.partial-host-1");
  EXPECT_EQ(store.load_newest()->step, 1);
  store.save(checkpoint_at(3));
  EXPECT_FALSE(fs::exists(root() + "/step-00000002.partial-host-1"));
}

}  // namespace
}  // namespace permafrost::core
