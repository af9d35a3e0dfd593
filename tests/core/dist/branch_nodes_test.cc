// The nodes of autograd that a layer of the integration branch is made of, beside the modules' own formulas.
#include <gtest/gtest.h>

#include <functional>
#include <set>

#include "core/dist/autocast.h"
#include "core/dist/convolution.h"
#include "core/dist/integration_net.h"
#include "core/dist/stream_exchange.h"
#include "tests/core/dist/plain_form.h"

namespace permafrost::core {
namespace {

using permafrost::testing::error_of;
using permafrost::testing::expect_close;
using permafrost::testing::expect_same;
using permafrost::testing::random_parameter;
using permafrost::testing::randomise;
using permafrost::testing::take_gradients;
using permafrost::testing::Tensors;

constexpr double kBfloat16Tolerance = 0.03;

DistConfig small_network(int64_t alpha) {
  return {.frames = 4 * alpha, .alpha = alpha, .width = 48, .integration_dim = 64, .temporal_dim = 16};
}

torch::Tensor convolve_point(const torch::Tensor& x, const Convolution& convolution) {
  return torch::linear(x, convolution->weight.flatten(1), convolution->bias);
}

// As the reference writes it.
torch::Tensor integrate_plainly(IntegrationNetImpl& net, const torch::Tensor& m) {
  const torch::Tensor space = net.c_proj(quick_gelu(net.c_fc(net.ln(m))));
  const torch::Tensor time = convolve_time(convolve_point(net.ln_temporal(m), net.temporal_c_fc1), net.temporal_c_fc2);
  return space + convolve_point(quick_gelu(time), net.temporal_c_proj);
}

Exchanged exchange_plainly(const Exchange& parts, const torch::Tensor& feature, const torch::Tensor& x,
                           const torch::Tensor& r) {
  Exchange modules = parts;
  torch::Tensor m = modules.input(feature);
  if (r.defined()) m = m + r;
  return {modules.to_temporal.is_empty() ? torch::Tensor() : x + modules.to_temporal(m), m + modules.to_integration(x)};
}

class BranchNodes : public ::testing::Test {
 protected:
  BranchNodes() { torch::manual_seed(5); }
};

TEST_F(BranchNodes, IntegrationNetIsItsFormula) {
  for (const auto& [clips, frames, tokens] : {std::array<int64_t, 3>{2, 4, 10}, {1, 1, 5}, {3, 2, 2}}) {
    IntegrationNet net(small_network(2));
    Tensors parameters = randomise(*net);
    const torch::Tensor m = random_parameter({clips, frames, tokens, 64});
    parameters.push_back(m);
    expect_same(net(m), integrate_plainly(*net, m), parameters);
  }
}

TEST_F(BranchNodes, IntegrationNetTakesViewsOfAnyLayout) {
  IntegrationNet net(small_network(2));
  Tensors parameters = randomise(*net);
  const torch::Tensor m = random_parameter({64, 6, 3, 2});
  parameters.push_back(m);
  const torch::Tensor seen = m.permute({3, 2, 1, 0});
  expect_same(net(seen).transpose(1, 3), integrate_plainly(*net, seen).transpose(1, 3), parameters);
}

TEST_F(BranchNodes, IntegrationNetInBfloat16IsItsFormulaOnRoundedValues) {
  IntegrationNet net(small_network(2));
  Tensors parameters = randomise(*net);
  const torch::Tensor m = random_parameter({2, 4, 10, 64});
  parameters.push_back(m);
  torch::Tensor found;
  {
    const Autocast autocast(torch::kCPU, torch::kBFloat16);
    found = net(m);
    EXPECT_EQ(found.scalar_type(), torch::kBFloat16);
  }
  expect_close(found.to(torch::kFloat32), integrate_plainly(*net, m), parameters, kBfloat16Tolerance);
}

// As micro-batches add up: two backward passes without a reset, and gradients that nobody else writes to.
void expect_sums(const std::function<torch::Tensor()>& found, const std::function<torch::Tensor()>& expected,
                 const Tensors& parameters) {
  const auto accumulated = [&](const std::function<torch::Tensor()>& forward) {
    torch::manual_seed(11);
    for (int pass = 0; pass < 2; ++pass) {
      const torch::Tensor out = forward();
      (out * torch::randn(out.sizes())).sum().backward();
    }
    Tensors gradients = take_gradients(parameters);
    std::set<const void*> storages;
    for (const torch::Tensor& gradient : gradients) {
      EXPECT_TRUE(storages.insert(gradient.storage().data()).second) << "two gradients in the same memory";
    }
    return gradients;
  };
  const Tensors of_found = accumulated(found), of_expected = accumulated(expected);
  for (size_t i = 0; i < parameters.size(); ++i) {
    EXPECT_LE(error_of(of_found[i], of_expected[i]), 1e-5) << "parameter " << i;
  }
}

TEST_F(BranchNodes, IntegrationNetAddsUpGradientsOfSeveralBackwards) {
  IntegrationNet net(small_network(2));
  const Tensors parameters = randomise(*net);
  const torch::Tensor m = torch::randn({2, 4, 10, 64});
  expect_sums([&] { return net(m); }, [&] { return integrate_plainly(*net, m); }, parameters);
}

// Both of its outputs as one, of the given parts.
torch::Tensor joined(const Exchanged& exchanged) {
  torch::Tensor all = exchanged.m.to(torch::kFloat32).flatten();
  if (exchanged.x.defined()) all = torch::cat({all, exchanged.x.to(torch::kFloat32).flatten()});
  return all;
}

class Exchanges : public BranchNodes, public ::testing::WithParamInterface<std::tuple<int64_t, bool, bool>> {
 protected:
  Exchanges() {
    const auto [alpha, is_first, is_last] = GetParam();
    const DistConfig config = small_network(alpha);
    parts_.input = Linear(config.width, config.integration_dim);
    parts_.to_integration = TemporalToIntegration(config);
    if (!is_last) parts_.to_temporal = IntegrationToTemporal(config);
    x_ = random_parameter({2, config.frames, 3, 3, config.temporal_dim});
    feature_ = torch::randn({2, 4, 10, config.width});
    parameters_ = {x_};
    add(randomise(*parts_.input)), add(randomise(*parts_.to_integration));
    if (!is_last) add(randomise(*parts_.to_temporal));
    if (!is_first) add({r_ = random_parameter({2, 4, 10, config.integration_dim})});
  }
  void add(const Tensors& more) { parameters_.insert(parameters_.end(), more.begin(), more.end()); }

  Exchange parts_;
  torch::Tensor x_, feature_, r_;
  Tensors parameters_;
};

TEST_P(Exchanges, AreTheirModules) {
  expect_same(joined(exchange_streams(parts_, feature_, x_, r_)), joined(exchange_plainly(parts_, feature_, x_, r_)),
              parameters_);
}

TEST_P(Exchanges, TakeViewsOfAnyLayout) {
  const auto strided = [](const torch::Tensor& x) {
    return x.defined() ? x.transpose(0, -1).contiguous().transpose(0, -1) : x;
  };
  expect_same(joined(exchange_streams(parts_, strided(feature_), strided(x_), strided(r_))),
              joined(exchange_plainly(parts_, feature_, x_, r_)), parameters_);
}

TEST_P(Exchanges, AddUpGradientsOfSeveralBackwards) {
  expect_sums([&] { return joined(exchange_streams(parts_, feature_, x_, r_)); },
              [&] { return joined(exchange_plainly(parts_, feature_, x_, r_)); }, parameters_);
}

TEST_P(Exchanges, InBfloat16AreTheirModulesOnRoundedValues) {
  torch::Tensor found;
  {
    const Autocast autocast(torch::kCPU, torch::kBFloat16);
    found = joined(exchange_streams(parts_, feature_, x_, r_));
  }
  expect_close(found, joined(exchange_plainly(parts_, feature_, x_, r_)), parameters_, kBfloat16Tolerance);
}

INSTANTIATE_TEST_SUITE_P(AnyLayer, Exchanges,
                         ::testing::Combine(::testing::Values(1, 2, 4), ::testing::Bool(), ::testing::Bool()));

}  // namespace
}  // namespace permafrost::core
