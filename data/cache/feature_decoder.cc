#include "data/cache/feature_decoder.h"

namespace permafrost::data {

FeatureDecoder::FeatureDecoder(const Codec& codec, torch::Device device) : codec_(codec) {
  if (!device.is_cpu()) cuda_ = make_cuda_decoder(codec, device);
}

torch::Tensor FeatureDecoder::decode(const torch::Tensor& coded) {
  return cuda_ ? cuda_->decode(coded) : codec_.decode_batch(coded, room_);
}

}  // namespace permafrost::data
