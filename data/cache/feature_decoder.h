// Turns the coded features of a batch into float32 where they are needed: on the CPU, or by kernels on a GPU.
//
//   FeatureDecoder decoder(clips.codec(), device);
//   torch::Tensor features = decoder.decode(batch.coded);  // uint8 [b, bytes] -> float32 [b, N, t, L, C]
//
// Only the coded bytes travel to a GPU, a quarter of float16's or less. Not thread-safe; the codec must outlive it.
#pragma once

#include <torch/types.h>

#include <memory>

#include "data/cache/codec.h"
#include "data/cache/cuda_decoder.h"

namespace permafrost::data {

class FeatureDecoder {
 public:
  // Throws ConfigError for a GPU where the program was built without CUDA.
  FeatureDecoder(const Codec& codec, torch::Device device);

  // coded uint8 [b, bytes_per_record()], contiguous, on the CPU or on the device -> float32 [b, N, t, L, C] on the
  // device, a view of [N, b, t, L, C]: layers are read one by one. It lies in memory that the next call uses again
  // where nothing else holds it.
  torch::Tensor decode(const torch::Tensor& coded);

 private:
  const Codec& codec_;
  torch::Tensor room_;
  std::unique_ptr<CudaDecoder> cuda_;  // where the device is a GPU
};

}  // namespace permafrost::data
