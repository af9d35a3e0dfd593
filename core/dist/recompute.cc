#include "core/dist/recompute.h"

#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/custom_function.h>
#include <torch/custom_class.h>

#include "core/dist/autocast.h"

namespace permafrost::core {
namespace {

using torch::autograd::variable_list;

// What the second run needs to be like the first.
struct FirstRun : torch::CustomClassHolder {
  FirstRun(Part part, torch::DeviceType device) : part(std::move(part)), device(device), type(compute_type(device)) {}

  Part part;
  torch::DeviceType device;
  torch::ScalarType type;
};

struct Recomputed : torch::autograd::Function<Recomputed> {
  static variable_list forward(torch::autograd::AutogradContext* context, const Part& part,
                               at::ArrayRef<torch::Tensor> inputs) {
    context->saved_data["run"] =
        c10::IValue::make_capsule(c10::make_intrusive<FirstRun>(part, inputs.front().device().type()));
    context->save_for_backward(inputs.vec());
    return part(inputs.vec());
  }

  static variable_list backward(torch::autograd::AutogradContext* context, const variable_list& gradients) {
    const auto run = c10::static_intrusive_pointer_cast<FirstRun>(context->saved_data["run"].toCapsule());
    variable_list inputs;
    for (const torch::Tensor& saved : context->get_saved_variables()) {
      inputs.push_back(saved.detach().requires_grad_(saved.requires_grad()));
    }
    variable_list outputs, wanted;
    {
      const torch::AutoGradMode with_gradients(true);
      const Autocast autocast(run->device, run->type);
      const variable_list all = run->part(inputs);
      for (size_t i = 0; i < all.size(); ++i) {
        if (!gradients[i].defined()) continue;
        outputs.push_back(all[i]);
        wanted.push_back(gradients[i]);
      }
    }
    torch::autograd::backward(outputs, wanted);
    variable_list of_inputs{torch::Tensor()};  // of the part, which is no tensor
    for (const torch::Tensor& input : inputs) of_inputs.push_back(input.grad());
    return of_inputs;
  }
};

}  // namespace

std::vector<torch::Tensor> recomputed(const std::vector<torch::Tensor>& inputs, const Part& part) {
  return Recomputed::apply(part, at::ArrayRef<torch::Tensor>(inputs));
}

}  // namespace permafrost::core
