#include "core/dist/convolution.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/conv2d.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/mm.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

namespace permafrost::core {
namespace {

// Which frames of a clip the weights of one place of the kernel reach: to[first + i] gets from[first + i + offset].
struct Shift {
  int64_t tap, to, from, frames;
};

// The middle of the kernel first: it alone reaches every frame.
std::vector<Shift> shifts_of(int64_t kernel, int64_t frames) {
  std::vector<Shift> shifts{{kernel / 2, 0, 0, frames}};
  for (int64_t tap = 0; tap < kernel; ++tap) {
    const int64_t offset = tap - kernel / 2, count = frames - std::abs(offset);
    if (offset != 0 && count > 0)
      shifts.push_back({tap, std::max<int64_t>(0, -offset), std::max<int64_t>(0, offset), count});
  }
  return shifts;
}

// Frames first .. first+count-1 of one clip of [B, T, S, c] as a matrix [count*S, c]: a view.
torch::Tensor rows(const torch::Tensor& x, int64_t clip, int64_t first, int64_t count) {
  return x.select(0, clip).narrow(0, first, count).flatten(0, 1);
}

// x [B, T, S, c], weight [n, k, c], bias [k]; all float32. No frame is copied: every tap adds to its part of the
// result.
torch::Tensor sum_of_taps(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  torch::Tensor result = torch::empty({x.size(0), x.size(1), x.size(2), weight.size(1)}, x.options());
  for (const Shift& shift : shifts_of(weight.size(0), x.size(1))) {
    const bool is_first = shift.frames == x.size(1);
    for (int64_t clip = 0; clip < x.size(0); ++clip) {
      torch::Tensor to = rows(result, clip, shift.to, shift.frames);
      at::addmm_out(to, is_first ? bias : to, rows(x, clip, shift.from, shift.frames), weight[shift.tap].t());
    }
  }
  return result;
}

// Gradients of x, unless it needs none, and of weight and bias in the shapes of sum_of_taps().
TimeGradients gradients_of_taps(const torch::Tensor& gradient, const torch::Tensor& x, const torch::Tensor& weight,
                                bool needs_input) {
  torch::Tensor of_weight = torch::zeros_like(weight), of_input;
  if (needs_input) of_input = torch::empty(x.sizes(), x.options());
  for (const Shift& shift : shifts_of(weight.size(0), x.size(1))) {
    const bool is_first = shift.frames == x.size(1);
    torch::Tensor of_tap = of_weight[shift.tap];
    for (int64_t clip = 0; clip < x.size(0); ++clip) {
      const torch::Tensor from = rows(gradient, clip, shift.to, shift.frames);
      at::addmm_out(of_tap, of_tap, from.t(), rows(x, clip, shift.from, shift.frames));
      if (!needs_input) continue;
      torch::Tensor to = rows(of_input, clip, shift.from, shift.frames);
      is_first ? at::mm_out(to, from, weight[shift.tap]) : at::addmm_out(to, to, from, weight[shift.tap]);
    }
  }
  return {of_input, of_weight, gradient.flatten(0, 2).sum(0)};
}

struct TimeConvolution : torch::autograd::Function<TimeConvolution> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias) {
    context->save_for_backward({x, weight});
    return sum_of_taps(x, weight, bias);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const TimeGradients of =
        gradients_of_taps(gradients[0].contiguous(), saved[0], saved[1], context->needs_input_grad(0));
    return {of.input, of.weight, of.bias};
  }
};

// As a 2-D convolution with frames and places as its two dimensions: x and weight in LibTorch's order.
torch::Tensor as_image(const torch::Tensor& x) { return x.permute({0, 3, 1, 2}); }                       // [B, c, T, S]
torch::Tensor from_image(const torch::Tensor& x) { return x.permute({0, 2, 3, 1}); }                     // [B, T, S, c]
torch::Tensor tap_first(const torch::Tensor& weight) { return weight.permute({2, 0, 1}).contiguous(); }  // [n, k, c]

// In types of fewer digits the taps would be rounded one by one: for all but float32, LibTorch's convolution sums them.
bool is_summed_by_libtorch(const torch::Tensor& x) {
  return at::autocast::is_autocast_enabled(x.device().type()) || x.scalar_type() != torch::kFloat32;
}

}  // namespace

torch::Tensor convolve_time(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  if (!is_summed_by_libtorch(x)) return TimeConvolution::apply(x.contiguous(), tap_first(weight), bias);
  return time_products(x, weight, bias);
}

torch::Tensor time_products(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  if (!is_summed_by_libtorch(x)) return sum_of_taps(x, tap_first(weight), bias);
  return from_image(at::conv2d(as_image(x), weight.unsqueeze(3), bias, 1, {weight.size(2) / 2, 0}));
}

TimeGradients time_gradients(const torch::Tensor& gradient, const torch::Tensor& x, const torch::Tensor& weight) {
  if (!is_summed_by_libtorch(x)) {
    const TimeGradients of = gradients_of_taps(gradient, x, tap_first(weight), true);
    return {of.input, of.weight.permute({1, 2, 0}), of.bias};
  }
  const auto [of_input, of_weight, of_bias] = at::convolution_backward(
      as_image(gradient), as_image(x), weight.unsqueeze(3), weight.size(0), {1, 1}, {weight.size(2) / 2, 0}, {1, 1},
      /*transposed=*/false, {0, 0}, 1, {true, true, true});
  return {from_image(of_input), of_weight.squeeze(3).to(torch::kFloat32), of_bias.to(torch::kFloat32)};
}

torch::Tensor convolve_time(const torch::Tensor& x, const Convolution& convolution) {
  return convolve_time(x, convolution->weight.flatten(2), convolution->bias);
}

torch::Tensor weight_of_groups(const torch::Tensor& weight) { return weight.flatten(2).transpose(1, 2).flatten(1); }

torch::Tensor convolve_groups(const torch::Tensor& x, const Convolution& convolution) {
  const torch::Tensor& weight = convolution->weight;                                             // [k, c, n, 1, 1]
  const torch::Tensor groups = x.unflatten(1, {-1, weight.size(2)}).transpose(2, 3).flatten(3);  // [B, T/n, S, n*c]
  return torch::linear(groups, weight_of_groups(weight), convolution->bias);
}

torch::Tensor convolve_space(const torch::Tensor& x, const Convolution& convolution) {
  const torch::Tensor weight = convolution->weight.squeeze(2);  // [k, c, n, n]
  return torch::conv2d(x.permute({0, 3, 1, 2}), weight, convolution->bias, 1, weight.size(2) / 2)
      .permute({0, 2, 3, 1});  // [M, g, g, k]
}

}  // namespace permafrost::core
