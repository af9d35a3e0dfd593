#include "data/cache/feature_decoder.h"

namespace permafrost::data {

FeatureDecoder::FeatureDecoder(const Codec& codec, torch::Device device, torch::ScalarType type)
    : codec_(codec), device_(device), type_(type) {
  if (!device.is_cpu()) kernels_.emplace(codec, device);
}

torch::Tensor FeatureDecoder::decode(const torch::Tensor& coded) {
  if (!kernels_) return codec_.decode_batch(coded, room_, type_);
  return kernels_->decode(coded.to(device_, /*non_blocking=*/true));
}

}  // namespace permafrost::data
