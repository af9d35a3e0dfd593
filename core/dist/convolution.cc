#include "core/dist/convolution.h"

#include <ATen/autocast_mode.h>
#include <ATen/ops/addmm.h>
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
struct TimeConvolution : torch::autograd::Function<TimeConvolution> {
  static torch::Tensor forward(torch::autograd::AutogradContext* context, const torch::Tensor& x,
                               const torch::Tensor& weight, const torch::Tensor& bias) {
    context->save_for_backward({x, weight});
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

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& gradients) {
    const torch::autograd::variable_list saved = context->get_saved_variables();
    const torch::Tensor &x = saved[0], &weight = saved[1], gradient = gradients[0].contiguous();
    torch::Tensor of_weight = torch::zeros_like(weight), of_input;
    const bool needs_input = context->needs_input_grad(0);
    if (needs_input) of_input = torch::empty_like(x);
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
};

// In types of fewer digits the taps would be rounded one by one: for all but float32, LibTorch's convolution sums them.
bool is_summed_by_libtorch(const torch::Tensor& x) {
  return at::autocast::is_autocast_enabled(x.device().type()) || x.scalar_type() != torch::kFloat32;
}

}  // namespace

torch::Tensor convolve_time(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias) {
  if (!is_summed_by_libtorch(x))
    return TimeConvolution::apply(x.contiguous(), weight.permute({2, 0, 1}).contiguous(), bias);
  return torch::conv2d(x.permute({0, 3, 1, 2}), weight.unsqueeze(3), bias, 1, {weight.size(2) / 2, 0})
      .permute({0, 2, 3, 1});  // [B, T, S, k]
}

torch::Tensor convolve_time(const torch::Tensor& x, const Convolution& convolution) {
  return convolve_time(x, convolution->weight.flatten(2), convolution->bias);
}

torch::Tensor convolve_groups(const torch::Tensor& x, const Convolution& convolution) {
  const torch::Tensor& weight = convolution->weight;                                             // [k, c, n, 1, 1]
  const torch::Tensor groups = x.unflatten(1, {-1, weight.size(2)}).transpose(2, 3).flatten(3);  // [B, T/n, S, n*c]
  return torch::linear(groups, weight.flatten(2).transpose(1, 2).flatten(1), convolution->bias);
}

torch::Tensor convolve_space(const torch::Tensor& x, const Convolution& convolution) {
  const torch::Tensor weight = convolution->weight.squeeze(2);  // [k, c, n, n]
  return torch::conv2d(x.permute({0, 3, 1, 2}), weight, convolution->bias, 1, weight.size(2) / 2)
      .permute({0, 2, 3, 1});  // [M, g, g, k]
}

torch::Tensor convolve_point(const torch::Tensor& x, const Convolution& convolution) {
  return torch::linear(x, convolution->weight.flatten(1), convolution->bias);
}

}  // namespace permafrost::core
