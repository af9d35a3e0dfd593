#include "core/checkpoint/checkpoint_writer.h"

#include <sys/resource.h>
#include <torch/types.h>
#include <unistd.h>

#include <chrono>

#include "core/base/log.h"

namespace permafrost::core {
namespace {

using Tensors = std::map<std::string, torch::Tensor>;

// Into the memory of `to` where shapes and types are those of the last time.
void copy_into(Tensors& to, const Tensors& from) {
  Tensors copies;
  for (const auto& [name, tensor] : from) {
    torch::Tensor copy = to[name];
    if (!copy.defined() || !copy.sizes().equals(tensor.sizes()) || copy.scalar_type() != tensor.scalar_type()) {
      copy = torch::empty(tensor.sizes(), torch::TensorOptions(tensor.scalar_type()));
    }
    copies[name] = copy.copy_(tensor.detach());
  }
  to = std::move(copies);
}

// Of this thread: whoever computes comes first.
void step_back() { ::setpriority(PRIO_PROCESS, static_cast<id_t>(::gettid()), 10); }

}  // namespace

CheckpointWriter::~CheckpointWriter() {
  try {
    finish();
  } catch (const std::exception& error) {
    log_error() << "the last checkpoint is lost: " << error.what();
  }
}

void CheckpointWriter::save(const Checkpoint& checkpoint) {
  finish();
  const torch::NoGradGuard no_grad;
  copy_into(copy_.model, checkpoint.model);
  copy_into(copy_.optimizer, checkpoint.optimizer);
  copy_.step = checkpoint.step;
  copy_.state = checkpoint.state;
  writing_ = std::async(std::launch::async, [this] {
    step_back();
    store_.save(copy_);
  });
}

void CheckpointWriter::poll() {
  if (writing_.valid() && !is_writing()) writing_.get();
}

bool CheckpointWriter::is_writing() const {
  return writing_.valid() && writing_.wait_for(std::chrono::seconds(0)) != std::future_status::ready;
}

void CheckpointWriter::finish() {
  if (writing_.valid()) writing_.get();
}

}  // namespace permafrost::core
