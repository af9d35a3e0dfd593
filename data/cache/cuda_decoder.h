// The codecs on a GPU: what FeatureDecoder does there.
#pragma once

#include <torch/types.h>

#include <memory>

#include "data/cache/codec.h"

namespace permafrost::data {

class CudaDecoder {
 public:
  virtual ~CudaDecoder() = default;
  // As FeatureDecoder::decode().
  virtual torch::Tensor decode(const torch::Tensor& coded) = 0;
};

// Throws ConfigError where the program was built without CUDA.
std::unique_ptr<CudaDecoder> make_cuda_decoder(const Codec& codec, torch::Device device);

}  // namespace permafrost::data
