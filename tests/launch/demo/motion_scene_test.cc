#include "launch/demo/motion_scene.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numbers>
#include <set>
#include <string>
#include <vector>

namespace permafrost::launch {
namespace {

constexpr ClipSize kSmall{.side = 48, .frames = 9};

// How much of the arrow's colour each frame holds, and where: x, y in 0..1.
struct Redness {
  double mass, x, y;
};

// Above 0 on the arrow alone: no background is that red.
torch::Tensor red(const torch::Tensor& frame) {
  const torch::Tensor colours = frame.to(torch::kFloat64);                // [3, H, W]
  return (colours[0] - (colours[1] + colours[2]) / 2 - 60).clamp_min(0);  // [H, W]
}

Redness redness(const torch::Tensor& frame) {
  const torch::Tensor weight = red(frame);  // [H, W]
  const double mass = weight.sum().item<double>();
  const torch::Tensor at = (torch::arange(weight.size(0), torch::kFloat64) + 0.5) / weight.size(0);
  return {mass, (weight.sum(0) * at).sum().item<double>() / mass, (weight.sum(1) * at).sum().item<double>() / mass};
}

// First and last frame of an arrow's clip.
std::vector<Redness> ends(Motion motion, int64_t clip) {
  const torch::Tensor frames = render_clip(draw_scene(7, Split::kTrain, static_cast<int64_t>(motion), clip), kSmall);
  return {redness(frames[0]), redness(frames[-1])};
}

TEST(MotionScene, NamesEveryClassOnceAndReadably) {
  const std::vector<std::string> names = class_names();
  EXPECT_EQ(std::set<std::string>(names.begin(), names.end()).size(), static_cast<size_t>(kDemoClasses));
  EXPECT_EQ(names.front(), "red arrow moving left");
  EXPECT_EQ(names.back(), "green moon shrinking");
}

TEST(MotionScene, IsAFunctionOfItsArguments) {
  const Scene scene = draw_scene(3, Split::kTrain, 5, 11);
  EXPECT_TRUE(render_clip(scene, kSmall).equal(render_clip(draw_scene(3, Split::kTrain, 5, 11), kSmall)));
  EXPECT_FALSE(render_clip(scene, kSmall).equal(render_clip(draw_scene(4, Split::kTrain, 5, 11), kSmall)));
  EXPECT_FALSE(render_clip(scene, kSmall).equal(render_clip(draw_scene(3, Split::kTrain, 5, 12), kSmall)));
}

TEST(MotionScene, ReversedIsTheSameFramesBackwards) {
  for (int64_t i = 0; i < kDemoClasses; ++i) {
    const Scene scene = draw_scene(1, Split::kValidation, i, 0);
    const Scene back = reversed(scene);
    EXPECT_EQ(back.motion, partner(class_motion(i)));
    EXPECT_EQ(partner(back.motion), class_motion(i));
    const torch::Tensor frames = render_clip(scene, kSmall);
    EXPECT_TRUE(render_clip(back, kSmall).equal(frames.flip(0))) << class_name(i);
    EXPECT_FALSE(frames[0].equal(frames[-1])) << class_name(i);
  }
}

// A class run backwards is drawn as its partner is: every number of a scene has the same mean and spread in both.
TEST(MotionScene, PartnersAreTheSameDistributionRunBackwards) {
  const std::vector<std::function<double(const Scene&)>> numbers = {
      [](const Scene& s) { return s.centre_x; }, [](const Scene& s) { return s.centre_y; },
      [](const Scene& s) { return s.radius; },   [](const Scene& s) { return s.angle; },
      [](const Scene& s) { return s.travel_x; }, [](const Scene& s) { return s.travel_y; },
      [](const Scene& s) { return s.turn; },     [](const Scene& s) { return s.growth; }};
  constexpr int64_t kClips = 600;
  for (int64_t i = 0; i < kDemoClasses; i += 2) {
    for (size_t n = 0; n < numbers.size(); ++n) {
      double sum[2] = {}, squares[2] = {};
      for (int64_t clip = 0; clip < kClips; ++clip) {
        const double one = numbers[n](draw_scene(0, Split::kTrain, i, clip));
        const double other = numbers[n](reversed(draw_scene(0, Split::kTrain, i + 1, clip)));
        sum[0] += one, sum[1] += other, squares[0] += one * one, squares[1] += other * other;
      }
      const double mean[2] = {sum[0] / kClips, sum[1] / kClips};
      const double deviation[2] = {std::sqrt(std::max(0.0, squares[0] / kClips - mean[0] * mean[0])),
                                   std::sqrt(std::max(0.0, squares[1] / kClips - mean[1] * mean[1]))};
      EXPECT_NEAR(mean[0], mean[1], 5 * deviation[0] / std::sqrt(kClips / 2.0) + 1e-12) << class_name(i) << ", " << n;
      EXPECT_NEAR(deviation[0], deviation[1], 0.15 * deviation[0] + 1e-6) << class_name(i) << ", " << n;
    }
  }
}

TEST(MotionScene, TrainValidationAndStillsShareNoDraw) {
  std::set<uint64_t> textures;
  std::set<double> centres;
  size_t scenes = 0;
  const auto add = [&](const Scene& scene) {
    textures.insert(scene.texture_seed);
    centres.insert(scene.centre_x);
    ++scenes;
  };
  for (int64_t i = 0; i < 100; ++i) {
    for (int64_t c = 0; c < kDemoClasses; ++c) add(draw_scene(0, Split::kTrain, c, i));
    for (int64_t c = 0; c < kDemoClasses; ++c) add(draw_scene(0, Split::kValidation, c, i));
    for (int64_t o = 0; o < kObjects; ++o) add(draw_still(0, static_cast<Object>(o), i));
  }
  EXPECT_EQ(textures.size(), scenes);
  EXPECT_EQ(centres.size(), scenes);
}

TEST(MotionScene, MovesAsItsNameSays) {
  for (int64_t clip = 0; clip < 5; ++clip) {
    const auto left = ends(Motion::kLeft, clip), right = ends(Motion::kRight, clip);
    EXPECT_LT(left[1].x, left[0].x - 0.3);
    EXPECT_GT(right[1].x, right[0].x + 0.3);
    const auto up = ends(Motion::kUp, clip), down = ends(Motion::kDown, clip);
    EXPECT_LT(up[1].y, up[0].y - 0.3);
    EXPECT_GT(down[1].y, down[0].y + 0.3);
    const auto growing = ends(Motion::kGrowing, clip), shrinking = ends(Motion::kShrinking, clip);
    EXPECT_GT(growing[1].mass, 3 * growing[0].mass);
    EXPECT_LT(3 * shrinking[1].mass, shrinking[0].mass);
  }
}

// The arrow is widest where its head begins, just ahead of its centre: up at first, right after a quarter turn.
TEST(MotionScene, TurnsClockwiseAsSeenOnTheScreen) {
  Scene scene = draw_scene(2, Split::kTrain, static_cast<int64_t>(Motion::kClockwise), 0);
  EXPECT_GT(scene.turn, 0);
  scene.centre_x = scene.centre_y = 0.5;
  scene.radius = 0.4;
  scene.angle = -std::numbers::pi / 2;
  scene.turn = std::numbers::pi / 2;
  // Pixels of the arrow in ten rows (dimension 0) or columns (1) from `first`.
  const auto covered = [](const torch::Tensor& frame, int64_t dimension, int64_t first) {
    return red(frame).gt(0).narrow(dimension, first, 10).sum().item<int64_t>();
  };
  const torch::Tensor before = render_frame(scene, 0, 100), after = render_frame(scene, 1, 100);
  EXPECT_GT(2 * covered(before, 0, 38), 3 * covered(before, 0, 52));
  EXPECT_GT(2 * covered(after, 1, 52), 3 * covered(after, 1, 38));
}

}  // namespace
}  // namespace permafrost::launch
