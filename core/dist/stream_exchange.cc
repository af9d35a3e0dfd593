#include "core/dist/stream_exchange.h"

#include <ATen/record_function.h>
#include <torch/csrc/autograd/custom_function.h>

#include "core/base/error.h"
#include "core/dist/autocast.h"
#include "core/dist/convolution.h"
#include "core/encoder/product.h"

namespace permafrost::core {
namespace {

using torch::autograd::variable_list;

// The inputs that get a gradient, in this order; the last layer has no back, the first no r.
enum Input : size_t { kX, kInput, kInputBias, kFuse, kFuseBias, kClassToken, kBack, kBackBias, kR };

// Sizes of x [B, F, g, g, c] and of the tokens beside it.
struct Sizes {
  int64_t clips, frames, alpha, patches, channels;

  Sizes(at::IntArrayRef x, int64_t alpha)
      : clips(x[0]), frames(x[1] / alpha), alpha(alpha), patches(x[2] * x[3]), channels(x[4]) {}

  int64_t tokens() const { return patches + 1; }
  // [M, n] or anything of as many elements.
  torch::Tensor by_token(const torch::Tensor& rows) const { return rows.view({clips, frames, tokens(), -1}); }
  torch::Tensor by_frame(const torch::Tensor& x) const { return x.view({clips, frames, alpha, patches, channels}); }
  // Of what belongs to the tokens of a frame [M, alpha*c]: the patches, as by_frame().
  torch::Tensor patches_by_frame(const torch::Tensor& rows) const {
    return by_token(rows).slice(2, 1).unflatten(3, {-1, channels}).transpose(2, 3);
  }
};

torch::Tensor class_rows(const torch::Tensor& tokens) { return tokens.select(2, 0); }  // [B, t, n]

// For what belongs to the patches: a row for each token [M, n], zeros where it is the class token.
torch::Tensor rows_for_patches(const Sizes& sizes, int64_t columns, const torch::TensorOptions& options) {
  const torch::Tensor rows = torch::empty({sizes.clips * sizes.frames * sizes.tokens(), columns}, options);
  class_rows(sizes.by_token(rows)).zero_();
  return rows;
}

// x's patches, the alpha frames of a token side by side, under a row of zeros for the class token: [M, alpha*c].
torch::Tensor token_rows(const torch::Tensor& x, const Sizes& sizes) {
  const torch::Tensor rows = rows_for_patches(sizes, sizes.alpha * sizes.channels, x.options());
  sizes.patches_by_frame(rows).copy_(sizes.by_frame(x));
  return rows;
}

// m = input_linear(feature) + r: [M, d].
torch::Tensor enter(const torch::Tensor& seen, at::ArrayRef<torch::Tensor> in, const torch::Tensor& r) {
  RECORD_USER_SCOPE("input_linears");
  const torch::ScalarType type = seen.scalar_type();
  const torch::Tensor added = r.defined() ? r.to(type).reshape({seen.size(0), -1}) : r;
  return sum_with_product(added, seen, in[kInput].to(type), in[kInputBias].to(type));
}

// m + temporal2integration(x): [M, d].
torch::Tensor fuse(const torch::Tensor& rows, const torch::Tensor& weight, at::ArrayRef<torch::Tensor> in,
                   const torch::Tensor& m, const Sizes& sizes) {
  RECORD_USER_SCOPE("temporal2integration_nets");
  const torch::ScalarType type = m.scalar_type();
  const torch::Tensor fused = sum_with_product(m, rows, weight, in[kFuseBias].to(type));
  torch::Tensor of_class = class_rows(sizes.by_token(fused));
  at::add_out(of_class, class_rows(sizes.by_token(m)), in[kClassToken].select(0, 0).squeeze(0).to(type));
  return fused;
}

// x + integration2temporal(m), as x.
torch::Tensor give_back(const torch::Tensor& x, const torch::Tensor& m, const torch::Tensor& weight,
                        const torch::Tensor& bias, const Sizes& sizes) {
  RECORD_USER_SCOPE("integration2temporal_nets");
  const torch::Tensor given = sizes.by_token(product(m, weight, bias.to(m.scalar_type()))).slice(2, 1);
  return (sizes.by_frame(x) + given.unsqueeze(2)).view(x.sizes());
}

struct FuseGradients {
  torch::Tensor x;                        // as Sizes::by_frame()
  torch::Tensor weight, bias, cls_token;  // as the parameters
};

FuseGradients fuse_gradients(const torch::Tensor& gradient, const torch::Tensor& rows, const torch::Tensor& weight,
                             const Sizes& sizes) {
  RECORD_USER_SCOPE("temporal2integration_nets");
  const torch::Tensor of = gradient.t().mm(rows);                                                      // [d, alpha*c]
  const torch::Tensor of_class = class_rows(sizes.by_token(gradient)).sum(0, false, torch::kFloat32);  // [t, d]
  const torch::Tensor of_kernel = of.unflatten(1, {sizes.alpha, -1}).transpose(1, 2);                  // [d, c, alpha]
  const torch::Tensor of_bias = sizes.by_token(gradient).slice(2, 1).sum({0, 1, 2}).to(torch::kFloat32);  // [d]
  return {sizes.patches_by_frame(gradient.mm(weight)), of_kernel.unsqueeze(3).unsqueeze(4), of_bias,
          of_class.unsqueeze(0).unsqueeze(0)};
}

// The gradient of what integration2temporal gave: alpha frames summed, under a row of zeros: [M, c].
torch::Tensor given_gradient(const torch::Tensor& of_x, const Sizes& sizes) {
  const torch::Tensor of_given = rows_for_patches(sizes, sizes.channels, of_x.options());
  torch::Tensor of_patches = sizes.by_token(of_given).slice(2, 1);  // [B, t, g*g, c]
  const torch::Tensor of_frames = sizes.by_frame(of_x);
  if (sizes.alpha == 2) {  // the usual; sum_out() is ten times as slow
    at::add_out(of_patches, of_frames.select(2, 0), of_frames.select(2, 1));
  } else {
    at::sum_out(of_patches, of_frames, {2});
  }
  return of_given;
}

struct ExchangeNode : torch::autograd::Function<ExchangeNode> {
  static variable_list forward(torch::autograd::AutogradContext* context, int64_t alpha, bool has_back,
                               const torch::Tensor& feature, at::ArrayRef<torch::Tensor> in) {
    const torch::ScalarType type = compute_type(feature.device().type());
    const auto without = without_autocast();
    const Sizes sizes(in[kX].sizes(), alpha);
    PERMAFROST_CHECK(feature.sizes().slice(0, 3) == at::IntArrayRef({sizes.clips, sizes.frames, sizes.tokens()}),
                     "features of as many clips, frames and tokens as the temporal encoder has");
    const size_t r_at = has_back ? kR : kBack;
    const torch::Tensor x = in[kX].to(type).contiguous();
    const torch::Tensor seen = feature.to(type).reshape({-1, feature.size(3)});  // [M, C]
    const torch::Tensor m = enter(seen, in, in.size() > r_at ? in[r_at] : torch::Tensor());
    const torch::Tensor rows = token_rows(x, sizes), weight = weight_of_groups(in[kFuse]).to(type);
    const torch::Tensor back = has_back ? in[kBack].to(type) : torch::Tensor();
    variable_list out{sizes.by_token(fuse(rows, weight, in, m, sizes))};
    if (has_back) out.push_back(give_back(x, m, back, in[kBackBias], sizes));
    context->saved_data["alpha"] = alpha;
    context->saved_data["had_r"] = in.size() > r_at;
    context->saved_data["shape"] = x.sizes();
    context->save_for_backward({seen, rows, weight, back, has_back ? m : torch::Tensor()});
    return out;
  }

  static variable_list backward(torch::autograd::AutogradContext* context, const variable_list& gradients) {
    const auto without = without_autocast();
    const variable_list saved = context->get_saved_variables();
    const torch::Tensor &seen = saved[0], &rows = saved[1], &weight = saved[2], &back = saved[3], &m = saved[4];
    const std::vector<int64_t> shape = context->saved_data["shape"].toIntVector();  // of x
    const Sizes sizes(shape, context->saved_data["alpha"].toInt());
    torch::Tensor of_m = gradients[0].to(rows.scalar_type()).reshape({rows.size(0), -1});  // [M, d]
    FuseGradients of_fuse = fuse_gradients(of_m, rows, weight, sizes);
    ProductGradients of_back;
    const torch::Tensor of_x = torch::empty(shape, rows.options());
    torch::Tensor of_frames = sizes.by_frame(of_x);
    if (back.defined()) {
      RECORD_USER_SCOPE("integration2temporal_nets");
      const torch::Tensor of_next = gradients[1].to(rows.scalar_type()).contiguous();
      const torch::Tensor of_given = given_gradient(of_next, sizes);
      of_back = product_gradients(of_given, m);
      of_m = at::addmm(of_m, of_given, back);
      at::add_out(of_frames, of_fuse.x, sizes.by_frame(of_next));
    } else {
      of_frames.copy_(of_fuse.x);
    }
    RECORD_USER_SCOPE("input_linears");
    const ProductGradients of_input = product_gradients(of_m, seen);
    variable_list of_inputs{{}, {}, {}};  // what is no tensor, and the feature
    of_inputs.insert(of_inputs.end(),
                     {of_x, of_input.weight, of_input.bias, of_fuse.weight, of_fuse.bias, of_fuse.cls_token});
    if (back.defined()) of_inputs.insert(of_inputs.end(), {of_back.weight, of_back.bias});
    if (context->saved_data["had_r"].toBool()) of_inputs.push_back(sizes.by_token(of_m));
    return of_inputs;
  }
};

}  // namespace

Exchanged exchange_streams(const Exchange& parts, const torch::Tensor& feature, const torch::Tensor& x,
                           const torch::Tensor& r) {
  const bool has_back = !parts.to_temporal.is_empty();
  std::vector<torch::Tensor> in{x,
                                parts.input->weight,
                                parts.input->bias,
                                parts.to_integration->linear_fuse->weight,
                                parts.to_integration->linear_fuse->bias,
                                parts.to_integration->cls_token};
  if (has_back) {
    in.push_back(parts.to_temporal->linear_fuse->weight);
    in.push_back(parts.to_temporal->linear_fuse->bias);
  }
  if (r.defined()) in.push_back(r);
  const variable_list out =
      ExchangeNode::apply(parts.to_integration->alpha, has_back, feature, at::ArrayRef<torch::Tensor>(in));
  return {has_back ? out[1] : torch::Tensor(), out[0]};
}

}  // namespace permafrost::core
