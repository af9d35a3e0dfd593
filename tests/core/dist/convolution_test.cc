// What is computed otherwise than it is written in the paper, beside the plain form: values and gradients.
#include "core/dist/convolution.h"

#include <gtest/gtest.h>

#include "core/dist/adaptive_pooling.h"
#include "core/dist/autocast.h"
#include "core/dist/temporal_encoder.h"
#include "tests/core/dist/plain_form.h"

namespace permafrost::core {
namespace {

using permafrost::testing::expect_close;
using permafrost::testing::expect_same;
using permafrost::testing::random_parameter;
using permafrost::testing::randomise;
using permafrost::testing::Tensors;

class Convolutions : public ::testing::Test {
 protected:
  Convolutions() { torch::manual_seed(3); }
};

TEST_F(Convolutions, OverTimeAreConv3dForEveryLengthAndKernel) {
  for (const int64_t kernel : {1, 3, 5}) {
    for (const int64_t frames : {1, 2, 3, 8}) {
      Convolution convolution(6, 5, Kernel{kernel, 1, 1});
      convolution->weight = random_parameter({5, 6, kernel, 1, 1});
      convolution->bias = random_parameter({5});
      const torch::Tensor x = random_parameter({2, frames, 7, 6});  // [B, T, S, c]
      const torch::Tensor expected = torch::conv3d(x.permute({0, 3, 1, 2}).unsqueeze(4), convolution->weight,
                                                   convolution->bias, 1, {kernel / 2, 0, 0})
                                         .squeeze(4)
                                         .permute({0, 2, 3, 1});
      expect_same(convolve_time(x, convolution), expected, {x, convolution->weight, convolution->bias});
    }
  }
}

TEST_F(Convolutions, OverTimeTakeViewsAndGradientsOfAnyLayout) {
  Convolution convolution(6, 5, Kernel{3, 1, 1});
  convolution->weight = random_parameter({5, 6, 3, 1, 1});
  convolution->bias = random_parameter({5});
  const torch::Tensor x = random_parameter({2, 6, 7, 4});
  const torch::Tensor seen = x.transpose(1, 3);  // [2, 4, 7, 6], strided
  const torch::Tensor found = convolve_time(seen, convolution).transpose(1, 3).slice(1, 1, 4);
  const torch::Tensor expected =
      torch::conv3d(seen.permute({0, 3, 1, 2}).unsqueeze(4), convolution->weight, convolution->bias, 1, {1, 0, 0})
          .squeeze(4)
          .permute({0, 1, 3, 2})
          .slice(1, 1, 4);
  expect_same(found, expected, {x, convolution->weight, convolution->bias});
}

TEST_F(Convolutions, OverTimeInBfloat16AreConv3dOfRoundedValues) {
  Convolution convolution(16, 16, Kernel{3, 1, 1});
  convolution->weight = random_parameter({16, 16, 3, 1, 1});
  convolution->bias = random_parameter({16});
  const torch::Tensor x = random_parameter({2, 6, 7, 16});
  torch::Tensor found;
  {
    const Autocast autocast(torch::kCPU, torch::kBFloat16);
    found = convolve_time(x, convolution).to(torch::kFloat32);
  }
  const torch::Tensor expected =
      torch::conv3d(x.permute({0, 3, 1, 2}).unsqueeze(4), convolution->weight, convolution->bias, 1, {1, 0, 0})
          .squeeze(4)
          .permute({0, 2, 3, 1});
  expect_close(found, expected, {x, convolution->weight, convolution->bias}, 0.02);
}

TEST_F(Convolutions, OfGroupsAreConv3dWithTheirStride) {
  for (const int64_t alpha : {1, 2, 4}) {
    Convolution convolution(6, 5, Kernel{alpha, 1, 1});
    convolution->weight = random_parameter({5, 6, alpha, 1, 1});
    convolution->bias = random_parameter({5});
    const torch::Tensor x = random_parameter({2, 8, 7, 6});
    const torch::Tensor expected =
        torch::conv3d(x.permute({0, 3, 1, 2}).unsqueeze(4), convolution->weight, convolution->bias, {alpha, 1, 1})
            .squeeze(4)
            .permute({0, 2, 3, 1});
    expect_same(convolve_groups(x, convolution), expected, {x, convolution->weight, convolution->bias});
  }
}

TEST_F(Convolutions, TheStemIsConv3dOverPatches) {
  const DistConfig config{.frames = 6, .image_size = 24, .patch_size = 8, .temporal_dim = 5, .temporal_patch = 5};
  Convolution stem = make_temporal_stem(config);
  stem->weight = random_parameter({5, 3, 5, 8, 8});
  stem->bias = random_parameter({5});
  const torch::Tensor pixels = torch::randn({2, 6, 3, 24, 24});
  const torch::Tensor expected =
      torch::conv3d(pixels.transpose(1, 2), stem->weight, stem->bias, {1, 8, 8}, {2, 0, 0}).permute({0, 2, 3, 4, 1});
  expect_same(apply_temporal_stem(stem, pixels), expected, {stem->weight, stem->bias});
}

TEST_F(Convolutions, QuickGeluIsItsFormula) {
  const torch::Tensor x = (8 * torch::randn({50, 20})).detach().requires_grad_(true);
  expect_same(quick_gelu(x), x * torch::sigmoid(1.702 * x), {x});
}

// The reference's multi-head attention, token by token.
torch::Tensor attend_plainly(CrossAttentionImpl& attention, const torch::Tensor& query, const torch::Tensor& memory) {
  const int64_t width = query.size(2);
  const Tensors weights = attention.in_proj_weight.chunk(3), biases = attention.in_proj_bias.chunk(3);
  const torch::Tensor seen = attention.ln_1(memory);
  const auto split = [&](const torch::Tensor& x) { return x.unflatten(2, {attention.heads, -1}).transpose(1, 2); };
  const torch::Tensor q = split(torch::linear(attention.ln_1(query), weights[0], biases[0]));
  const torch::Tensor k = split(torch::linear(seen, weights[1], biases[1]));
  const torch::Tensor v = split(torch::linear(seen, weights[2], biases[2]));
  const torch::Tensor shares = torch::softmax(torch::matmul(q, k.transpose(2, 3)) / 8, 3);  // heads of 64 channels
  return attention.out_proj(torch::matmul(shares, v).transpose(1, 2).reshape({-1, 1, width}));
}

TEST_F(Convolutions, CrossAttentionOfOneQueryIsTheReferences) {
  CrossAttention attention(128);
  Tensors parameters = randomise(*attention);
  const torch::Tensor query = random_parameter({3, 1, 128}), memory = random_parameter({3, 17, 128});
  parameters.insert(parameters.end(), {query, memory});
  expect_same(attention(query, normalise(memory)), attend_plainly(*attention, query, memory), parameters);
}

}  // namespace
}  // namespace permafrost::core
