#include "launch/demo/still_encoder.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "core/base/error.h"
#include "launch/demo/motion_scene.h"
#include "tests/temporary_directory.h"

namespace permafrost::launch {
namespace {

StillEncoderOptions few_steps() {
  StillEncoderOptions options;
  options.train_images = 64;
  options.held_out_images = 16;
  options.steps = 3;
  options.batch = 16;
  return options;
}

TEST(StillEncoder, IsTheSameForTheSameSeedAndAnotherForAnother) {
  const StillEncoder one = train_still_encoder(few_steps()), two = train_still_encoder(few_steps());
  StillEncoderOptions options = few_steps();
  options.seed = 1;
  const StillEncoder other = train_still_encoder(options);
  EXPECT_EQ(one.accuracy, two.accuracy);
  for (const auto& item : one.encoder->named_parameters()) {
    EXPECT_TRUE(item.value().equal(two.encoder->named_parameters()[item.key()])) << item.key();
  }
  EXPECT_FALSE(one.encoder->conv1->weight.equal(other.encoder->conv1->weight));
}

TEST(StillEncoder, LearnsToTellTheObjects) {
  StillEncoderOptions options;
  options.train_images = 512;
  options.held_out_images = 200;
  options.steps = 150;
  options.batch = 32;
  EXPECT_GT(train_still_encoder(options).accuracy, 0.7);  // chance 0.5, deviation of 200 images 0.035
}

TEST(StillEncoder, SurvivesBeingSavedAndLoaded) {
  const testing::TemporaryDirectory folder;
  StillEncoder trained = train_still_encoder(few_steps());
  core::save_encoder(folder.path() + "/encoder", trained.encoder);
  core::VisionTransformer loaded = core::load_encoder(folder.path() + "/encoder");
  const torch::NoGradGuard no_grad;
  const torch::Tensor pixels =
      core::normalise_pixels(render_frame(draw_still(9, Object::kMoon, 0), 0, 32)).unsqueeze(0);
  EXPECT_TRUE(loaded->forward(pixels).back().allclose(trained.encoder->forward(pixels).back(), 1e-5, 1e-6));
  EXPECT_EQ(loaded->config.image_size, 32);
}

TEST(StillEncoder, RefusesToTrainOnNothing) {
  StillEncoderOptions options = few_steps();
  options.steps = 0;
  EXPECT_THROW(train_still_encoder(options), core::ConfigError);
}

}  // namespace
}  // namespace permafrost::launch
