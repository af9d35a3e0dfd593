#include "core/base/error.h"
#include "data/cache/cuda_decoder.h"

namespace permafrost::data {

std::unique_ptr<CudaDecoder> make_cuda_decoder(const Codec&, torch::Device device) {
  throw core::ConfigError("device " + device.str() +
                          ": this program was built without CUDA: use the CPU, or build with PERMAFROST_CUDA=ON");
}

}  // namespace permafrost::data
