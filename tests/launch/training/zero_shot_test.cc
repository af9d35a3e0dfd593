#include "launch/training/zero_shot.h"

#include <gtest/gtest.h>

#include <cmath>

#include "tests/core/golden.h"

namespace permafrost::launch {
namespace {

TEST(ZeroShot, AveragesDistsLogitsWithTheMeanOfClipsOverTheFrames) {
  core::FrozenEncoder encoder(testing::golden_path("clip_vision_quick_gelu"));
  const int64_t size = encoder.config().image_size, width = encoder.config().embedding;
  torch::manual_seed(1);
  const torch::Tensor frames = torch::randint(0, 256, {6, 3, size, size}).to(torch::kUInt8);  // 2 clips of 3 frames
  const torch::Tensor last = encoder.encode(frames)[-1];                                      // [6, L, C]
  core::Head head(core::HeadConfig{.kind = core::HeadKind::kText, .classes = 5}, width);
  const torch::Tensor text = torch::randn({5, width});
  head->set_text(text, std::log(100.0));

  const torch::Tensor z = encoder.embed(last);  // [6, e]
  const torch::Tensor cosine = torch::matmul(z / z.norm(2, 1, true), (text / text.norm(2, 1, true)).t());
  const torch::Tensor clip = 100 * cosine.view({2, 3, 5}).mean(1);
  const torch::Tensor dist = torch::randn({2, 5});
  ZeroShot zero_shot(encoder, head, 0.5);
  const torch::Tensor fused = zero_shot.fuse(dist, last.unflatten(0, {2, 3}));
  EXPECT_LT((fused - (dist + clip) / 2).abs().max().item<double>(), 1e-4);
}

}  // namespace
}  // namespace permafrost::launch
