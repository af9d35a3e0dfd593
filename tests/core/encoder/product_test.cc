// Products with what follows them: in one pass or several, the same as the formula.
#include "core/encoder/product.h"

#include <gtest/gtest.h>
#include <torch/types.h>

#include "core/encoder/layers.h"
#include "tests/core/dist/plain_form.h"

namespace permafrost::core {
namespace {

using permafrost::testing::error_of;
using permafrost::testing::random_parameter;

constexpr double kBrainFloat = 0.008;  // of the largest value: two roundings to 8 bits

torch::Tensor plain(const torch::Tensor& x, Activation activation) {
  switch (activation) {
    case Activation::kQuickGelu:
      return x * torch::sigmoid(1.702 * x);
    case Activation::kGelu:
      return x * 0.5 * (1 + torch::erf(x / std::sqrt(2.0)));
    case Activation::kGeluTanh:
      return torch::gelu(x, "tanh");
    case Activation::kSilu:
      return x * torch::sigmoid(x);
  }
  return {};
}

// x [2, 5, 24], weight [40, 24].
class Product : public ::testing::TestWithParam<torch::ScalarType> {
 protected:
  Product() { torch::manual_seed(1); }

  torch::Tensor typed(at::IntArrayRef shape) const { return torch::randn(shape).to(GetParam()); }
  static torch::Tensor wide(const torch::Tensor& x) { return x.to(torch::kFloat32); }
  double tolerance() const { return GetParam() == torch::kFloat32 ? 1e-5 : kBrainFloat; }
  void expect_near(const torch::Tensor& found, const torch::Tensor& expected) const {
    EXPECT_EQ(found.scalar_type(), GetParam());
    ASSERT_EQ(found.sizes(), expected.sizes());
    EXPECT_LE(error_of(wide(found), expected), tolerance());
  }
};

INSTANTIATE_TEST_SUITE_P(Types, Product, ::testing::Values(torch::kFloat32, torch::kBFloat16),
                         [](const auto& type) { return std::string(torch::toString(type.param)); });

TEST_P(Product, IsTheFormulaWithABiasAndWithout) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = typed({2, 5, 24}), weight = typed({40, 24}), bias = typed({40}), added = typed({2, 5, 40});
  const torch::Tensor alone = torch::matmul(wide(x), wide(weight).t());
  expect_near(product(x, weight, {}), alone);
  expect_near(product(x, weight, bias), alone + wide(bias));
  const torch::Tensor before = added.clone();
  expect_near(sum_with_product(added, x, weight, {}), alone + wide(added));
  expect_near(sum_with_product(added, x, weight, bias), alone + wide(bias) + wide(added));
  expect_near(sum_with_product({}, x, weight, bias), alone + wide(bias));
  EXPECT_TRUE(torch::equal(added, before));
}

TEST_P(Product, IsActivatedAsTheFormulaIs) {
  const torch::NoGradGuard no_grad;
  const torch::Tensor x = typed({2, 5, 24}), weight = typed({40, 24}), bias = typed({40});
  const torch::Tensor before = torch::matmul(wide(x), wide(weight).t()) + wide(bias);
  for (const Activation activation :
       {Activation::kQuickGelu, Activation::kGelu, Activation::kGeluTanh, Activation::kSilu}) {
    SCOPED_TRACE(static_cast<int>(activation));
    expect_near(activated_product(x, weight, bias, activation), plain(before, activation));
  }
}

TEST_P(Product, IsSeenByAutogradWhereItLooks) {
  const torch::Tensor x = typed({2, 5, 24}), bias = typed({40}), added = typed({2, 5, 40});
  const torch::Tensor weight = typed({40, 24}).requires_grad_(true);
  sum_with_product(added, x, weight, bias).sum().backward();
  const torch::Tensor expected = wide(x).flatten(0, 1).sum(0).expand({40, 24});
  expect_near(weight.grad(), expected);
  EXPECT_TRUE(activated_product(x, weight, bias, Activation::kSilu).requires_grad());
}

TEST(ProductGradients, AreThoseOfTheFormula) {
  torch::manual_seed(2);
  const torch::Tensor x = torch::randn({10, 24}), weight = random_parameter({40, 24}), bias = random_parameter({40});
  const torch::Tensor gradient = torch::randn({10, 40});
  torch::linear(x, weight, bias).backward(gradient);
  const torch::NoGradGuard no_grad;
  const ProductGradients found = product_gradients(gradient, x);
  EXPECT_LE(error_of(found.weight, weight.grad()), 1e-5);
  EXPECT_LE(error_of(found.bias, bias.grad()), 1e-5);
}

}  // namespace
}  // namespace permafrost::core
