#include "core/dist/integration_net.h"

#include <ATen/ops/native_layer_norm.h>
#include <ATen/ops/native_layer_norm_backward.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/silu_backward.h>
#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/dist/autocast.h"
#include "core/dist/convolution.h"
#include "core/encoder/product.h"

namespace permafrost::core {
namespace {

using torch::autograd::variable_list;

// What is saved for backward, in this order; after it the parameters as forward() got them.
enum Saved : size_t {
  kM,
  kN,
  kMean,
  kDeviation,
  kOnes,
  kZeros,
  kBetween,
  kTime,
  kActive,
  kUp,
  kTaps,
  kDown,
  kParameter
};
constexpr size_t kParameters = 14;

// A norm's weight and bias and those of the layer behind it.
struct Normed {
  torch::Tensor norm_weight, norm_bias, weight, bias;

  // What the layer is on the normalised tensor, times the scale that QuickGELU wants: s W diag(g) and s (b + W h) with
  // the norm's weight g and bias h.
  void fold(double scale, torch::Tensor to_weight, const torch::Tensor& to_bias) const {
    at::mul_out(to_weight, weight, norm_weight * scale);
    to_bias.copy_(at::addmv(bias, weight, norm_bias) * scale);
  }

  // The gradients of the four, in their order, from those of what fold() wrote.
  variable_list gradients(double scale, const torch::Tensor& of_weight, const torch::Tensor& of_bias) const {
    const torch::Tensor of_own_bias = of_bias * scale;
    return {(of_weight * weight).sum(0).mul_(scale), weight.t().mv(of_own_bias),
            at::addr(of_weight * (norm_weight * scale), of_own_bias, norm_bias), of_own_bias};
  }
};

// The parameters in the order in which IntegrationNetImpl::forward() gives them and their gradients are returned.
struct Parameters {
  Normed token, time;
  torch::Tensor down, down_bias, taps, taps_bias, time_down, time_down_bias;

  explicit Parameters(at::ArrayRef<torch::Tensor> all)
      : token{all[0], all[1], all[2], all[3]},
        time{all[4], all[5], all[6].flatten(1), all[7]},
        down(all[8]),
        down_bias(all[9]),
        taps(all[10].flatten(2)),
        taps_bias(all[11]),
        time_down(all[12].flatten(1)),
        time_down_bias(all[13]) {}
};

// Both MLPs side by side: of the columns between its two products, the first `hidden` are the token-wise one's.
struct Weights {
  torch::Tensor up, up_bias, taps, taps_bias, down, down_bias;

  Weights(const Parameters& from, torch::ScalarType type) {
    const int64_t width = from.down.size(0), hidden = from.down.size(1), narrow = from.time_down.size(1);
    const auto options = from.down.options().dtype(type);
    up = torch::empty({hidden + narrow, width}, options), up_bias = torch::empty({hidden + narrow}, options);
    from.token.fold(kQuickGeluScale, up.narrow(0, 0, hidden), up_bias.narrow(0, 0, hidden));
    from.time.fold(1, up.narrow(0, hidden, narrow), up_bias.narrow(0, hidden, narrow));
    taps = (from.taps * kQuickGeluScale).to(type);
    taps_bias = (from.taps_bias * kQuickGeluScale).to(type);
    down = (torch::cat({from.down, from.time_down}, 1) / kQuickGeluScale).to(type);
    down_bias = (from.down_bias + from.time_down_bias).to(type);
  }
};

torch::Tensor first(const torch::Tensor& columns, int64_t hidden) { return columns.narrow(1, 0, hidden); }
torch::Tensor rest(const torch::Tensor& columns, int64_t hidden) {
  return columns.narrow(1, hidden, columns.size(1) - hidden);
}

// In the order of Parameters, from those of what Weights made of them.
variable_list parameter_gradients(const Parameters& parameters, const ProductGradients& of_up,
                                  const TimeGradients& of_time, const ProductGradients& of_down) {
  const int64_t hidden = parameters.down.size(1);
  // Each a tensor of its own, in float32, that becomes the gradient as it is: of two parameters that shared one, each
  // would get what is later added for the other.
  const auto unscaled = [](const torch::Tensor& part) {
    return part.to(torch::kFloat32, /*non_blocking=*/false, /*copy=*/true, torch::MemoryFormat::Contiguous)
        .div_(kQuickGeluScale);
  };
  variable_list all =
      parameters.token.gradients(kQuickGeluScale, of_up.weight.slice(0, 0, hidden), of_up.bias.slice(0, 0, hidden));
  const variable_list time = parameters.time.gradients(1, of_up.weight.slice(0, hidden), of_up.bias.slice(0, hidden));
  all.insert(all.end(), time.begin(), time.end());
  all.insert(all.end(), {unscaled(first(of_down.weight, hidden)), of_down.bias, of_time.weight * kQuickGeluScale,
                         of_time.bias * kQuickGeluScale, unscaled(rest(of_down.weight, hidden)), of_down.bias.clone()});
  return all;
}

// Through both QuickGELUs and the convolution over time: the gradient of what the first product gave, [M, h + h'].
std::pair<torch::Tensor, TimeGradients> gradients_between(const torch::Tensor& of_active, const variable_list& saved,
                                                          int64_t hidden) {
  const torch::Tensor &m = saved[kM], &between = saved[kBetween];
  const std::vector<int64_t> shape{m.size(0), m.size(1), m.size(2), -1};
  torch::Tensor of_between = torch::empty_like(between), token_part = first(of_between, hidden);
  at::silu_backward_out(token_part, first(of_active, hidden), first(between, hidden));
  const TimeGradients of_time = time_gradients(at::silu_backward(rest(of_active, hidden), saved[kTime]).view(shape),
                                               rest(between, hidden).view(shape), saved[kTaps]);
  rest(of_between, hidden).copy_(of_time.input.flatten(0, 2));
  return {of_between, of_time};
}

struct IntegrationNode : torch::autograd::Function<IntegrationNode> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& input,
                               at::ArrayRef<torch::Tensor> all) {
    const torch::ScalarType type = compute_type(input.device().type());
    const auto without = without_autocast();
    const Parameters parameters(all);
    const Weights weights(parameters, type);
    const int64_t width = input.size(3), hidden = parameters.down.size(1);
    const torch::Tensor m = input.to(type).contiguous();
    const torch::Tensor ones = torch::ones({width}, m.options().dtype(torch::kFloat32)),
                        zeros = torch::zeros_like(ones);
    const auto [n, mean, deviation] = at::native_layer_norm(m, {width}, ones, zeros, kLayerNormEpsilon);
    const torch::Tensor between = product(n.view({-1, width}), weights.up, weights.up_bias);  // [M, h + h']
    const torch::Tensor seen = rest(between, hidden).view({m.size(0), m.size(1), m.size(2), -1});
    const torch::Tensor time = time_products(seen, weights.taps, weights.taps_bias).flatten(0, 2);  // [M, h']
    const torch::Tensor active = torch::empty_like(between);                                        // [M, h + h']
    torch::Tensor token_part = first(active, hidden), time_part = rest(active, hidden);
    at::silu_out(token_part, first(between, hidden));
    at::silu_out(time_part, time);
    const torch::Tensor r = product(active, weights.down, weights.down_bias);
    variable_list saved{m,       n,    mean,   deviation,  ones,         zeros,
                        between, time, active, weights.up, weights.taps, weights.down};
    saved.insert(saved.end(), all.begin(), all.end());
    context->save_for_backward(saved);
    return r.view(m.sizes());
  }

  static variable_list backward(torch::autograd::AutogradContext* context, const variable_list& gradients) {
    const auto without = without_autocast();
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor& m = saved[kM];
    const Parameters parameters(at::ArrayRef<torch::Tensor>(saved).slice(kParameter));
    const int64_t width = m.size(3);
    const torch::Tensor of_r = gradients[0].to(m.scalar_type()).reshape({-1, width});
    const ProductGradients of_down = product_gradients(of_r, saved[kActive]);
    const auto [of_between, of_time] = gradients_between(of_r.mm(saved[kDown]), saved, parameters.down.size(1));
    const ProductGradients of_up = product_gradients(of_between, saved[kN].view({-1, width}));
    // With a weight in float32, so that the statistics are of that type too.
    const torch::Tensor of_m = std::get<0>(
        at::native_layer_norm_backward(of_between.mm(saved[kUp]).view(m.sizes()), m, {width}, saved[kMean],
                                       saved[kDeviation], saved[kOnes], saved[kZeros], {true, false, false}));
    variable_list of_inputs = parameter_gradients(parameters, of_up, of_time, of_down);
    for (size_t i = 0; i < kParameters; ++i) {  // to the shapes of the weights of 3-D convolutions
      of_inputs[i] = of_inputs[i].view_as(saved[i + kParameter]);
    }
    of_inputs.insert(of_inputs.begin(), of_m);
    return of_inputs;
  }
};

}  // namespace

IntegrationNetImpl::IntegrationNetImpl(const DistConfig& config) {
  const int64_t width = config.integration_dim;
  const int64_t hidden = config.integration_hidden(), narrow = config.integration_temporal_hidden();
  const auto ffn = register_group(*this, "ffn");
  c_fc = ffn->register_module("c_fc", Linear(width, hidden));
  c_proj = ffn->register_module("c_proj", Linear(hidden, width));
  const auto temporal = register_group(*this, "temporal_ffn");
  temporal_c_fc1 = temporal->register_module("c_fc1", Convolution(width, narrow, Kernel{1, 1, 1}));
  temporal_c_fc2 =
      temporal->register_module("c_fc2", Convolution(narrow, narrow, Kernel{config.temporal_kernel, 1, 1}));
  temporal_c_proj = temporal->register_module("c_proj", Convolution(narrow, width, Kernel{1, 1, 1}));
  ln = register_module("ln", LayerNorm(width));
  ln_temporal = register_module("ln_temporal", LayerNorm(width));
}

torch::Tensor IntegrationNetImpl::forward(const torch::Tensor& m) {
  RECORD_USER_SCOPE("integration_nets");
  const std::vector<torch::Tensor> parameters{ln->weight,
                                              ln->bias,
                                              c_fc->weight,
                                              c_fc->bias,
                                              ln_temporal->weight,
                                              ln_temporal->bias,
                                              temporal_c_fc1->weight,
                                              temporal_c_fc1->bias,
                                              c_proj->weight,
                                              c_proj->bias,
                                              temporal_c_fc2->weight,
                                              temporal_c_fc2->bias,
                                              temporal_c_proj->weight,
                                              temporal_c_proj->bias};
  return IntegrationNode::apply(m, at::ArrayRef<torch::Tensor>(parameters));
}

}  // namespace permafrost::core
