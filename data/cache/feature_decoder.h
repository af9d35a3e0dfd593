// Turns the coded features of a batch into numbers where they are needed: on the CPU, or by kernels on a GPU.
//
//   FeatureDecoder decoder(clips.codec(), device, torch::kBFloat16);
//   torch::Tensor features = decoder.decode(batch.coded);  // uint8 [b, bytes] -> bfloat16 [b, N, t, L, C]
//
// Only the coded bytes travel to a GPU, a quarter of float16's or less. Not thread-safe; the codec must outlive it.
#pragma once

#include <torch/types.h>

#include <optional>

#include "data/cache/codec.h"
#include "data/cache/kernel_decoder.h"

namespace permafrost::data {

class FeatureDecoder {
 public:
  // `type`: that products of the features are computed in. A GPU's kernels give float32 all the same.
  FeatureDecoder(const Codec& codec, torch::Device device, torch::ScalarType type);

  // coded uint8 [b, bytes_per_record()], contiguous, on the CPU or on the device -> [b, N, t, L, C] on the device, a
  // view of [N, b, t, L, C]: layers are read one by one. On the CPU it lies in memory that the next call uses again
  // where nothing else holds it. A GPU reads `coded` of pinned memory after this returned: it must stay as it is until
  // the current stream has come so far.
  torch::Tensor decode(const torch::Tensor& coded);

 private:
  const Codec& codec_;
  torch::Device device_;
  torch::ScalarType type_;
  torch::Tensor room_;                    // of a CPU
  std::optional<KernelDecoder> kernels_;  // of a GPU
};

}  // namespace permafrost::data
