#include "core/base/error.h"
#include "data/cache/decode_kernels.h"

namespace permafrost::data {

template <class Body>
void run_on_gpu(const Body&) {
  throw core::ConfigError("this program was built without CUDA: give --device cpu, or build with PERMAFROST_CUDA=ON");
}

template void run_on_gpu(const ConvertTokens&);
template void run_on_gpu(const ScaleTokens&);
template void run_on_gpu(const AddDifferences&);
template void run_on_gpu(const UnpackComponents&);
template void run_on_gpu(const SetOutliers&);

}  // namespace permafrost::data
