// Decodes batches with the bodies of decode_bodies.h: on a GPU as kernels, a CPU as loops (which is there for tests:
// its own way, Codec::decode_batch(), is faster).
//
//   KernelDecoder decoder(codec, device);
//   torch::Tensor features = decoder.decode(coded);  // uint8 [b, bytes] -> float32 [b, N, t, L, C], on the device
//
// The same bits as Codec::decode(), of lowrank up to the order of the sum. The codec must outlive it.
#pragma once

#include <torch/types.h>

#include "data/cache/codec.h"
#include "data/cache/decode_bodies.h"

namespace permafrost::data {

class KernelDecoder {
 public:
  // A GPU by its index.
  KernelDecoder(const Codec& codec, torch::Device device);

  // coded: contiguous, on the device. The result is a view of [N, b, t, L, C]. On a GPU it is there when the current
  // stream has come so far.
  torch::Tensor decode(const torch::Tensor& coded) const;

 private:
  void read_tables();
  torch::Tensor places_of(const std::string& channels, int64_t count) const;
  BatchPointers pointers(const torch::Tensor& coded, const torch::Tensor& features) const;
  PackedTokens packed(const BatchPointers& batch) const;
  void decode_into(const BatchPointers& batch, const torch::Tensor& features) const;
  void decode_lowrank(const BatchPointers& batch, const torch::Tensor& features) const;

  const Codec& codec_;
  torch::Device device_;
  // On the device; those that the codec has.
  torch::Tensor code_values_, scale_values_;  // float32 [256]
  torch::Tensor mean_, steps_, basis_;        // float32 [N, C], [N, r], [N, r, C]
  torch::Tensor component_of_, outlier_of_;   // int32 [N, C], -1 where a channel is none
  torch::Tensor outliers_;                    // int32 [N, k]
};

}  // namespace permafrost::data
