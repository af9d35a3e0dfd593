// Turns the coded features of a batch into float32 where they are needed: on the CPU, or by kernels on a GPU.
//
//   FeatureDecoder decoder(clips.codec(), device);
//   torch::Tensor features = decoder.decode(batch.coded);  // uint8 [b, bytes] -> float32 [b, N, t, L, C]
//
// Only the coded bytes travel to a GPU, a quarter of float16's or less. Not thread-safe; the codec must outlive it.
#pragma once

#include <c10/core/Event.h>
#include <torch/types.h>

#include <optional>

#include "data/cache/codec.h"
#include "data/cache/kernel_decoder.h"

namespace permafrost::data {

class FeatureDecoder {
 public:
  FeatureDecoder(const Codec& codec, torch::Device device);

  // coded uint8 [b, bytes_per_record()], contiguous, on the CPU or on the device -> float32 [b, N, t, L, C] on the
  // device, a view of [N, b, t, L, C]: layers are read one by one. On the CPU it lies in memory that the next call uses
  // again where nothing else holds it.
  torch::Tensor decode(const torch::Tensor& coded);

 private:
  torch::Tensor on_device(const torch::Tensor& coded);

  const Codec& codec_;
  torch::Device device_;
  torch::Tensor room_;                    // of a CPU
  std::optional<KernelDecoder> kernels_;  // of a GPU
  torch::Tensor copied_;                  // what a GPU may still be reading
  std::optional<c10::Event> copy_is_done_;
};

}  // namespace permafrost::data
