#include "data/cache/feature_decoder.h"

#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>

namespace permafrost::data {

FeatureDecoder::FeatureDecoder(const Codec& codec, torch::Device device) : codec_(codec), device_(device) {
  if (!device.is_cpu()) kernels_.emplace(codec, device);
}

torch::Tensor FeatureDecoder::decode(const torch::Tensor& coded) {
  return kernels_ ? kernels_->decode(on_device(coded)) : codec_.decode_batch(coded, room_);
}

// Pinned memory is copied behind our back. A loader takes memory again once nobody holds it: so this does, until the
// copy is done.
torch::Tensor FeatureDecoder::on_device(const torch::Tensor& coded) {
  if (coded.device() == device_) return coded;
  const c10::DeviceGuard guard(device_);
  if (copy_is_done_) copy_is_done_->synchronize();
  copied_ = coded;
  torch::Tensor there = coded.to(device_, /*non_blocking=*/true);
  copy_is_done_.emplace(device_.type());
  copy_is_done_->record(c10::impl::VirtualGuardImpl(device_.type()).getStream(device_));
  return there;
}

}  // namespace permafrost::data
