#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAStream.h>

#include <algorithm>

#include "data/cache/decode_kernels.h"

namespace permafrost::data {
namespace {

constexpr uint32_t kThreads = 256, kMostBlocks = 1u << 20;

// A block for each row, as far as there are blocks: its threads take neighbouring channels.
template <class Body>
__global__ void __launch_bounds__(kThreads) run(const Body body) {
  const uint32_t rows = body.rows(), columns = body.columns();
  for (uint32_t row = blockIdx.x; row < rows; row += gridDim.x) {
    for (uint32_t column = threadIdx.x; column < columns; column += blockDim.x) body(row, column);
  }
}

}  // namespace

template <class Body>
void run_on_gpu(const Body& body) {
  const uint32_t blocks = std::min(body.rows(), kMostBlocks);
  if (blocks == 0 || body.columns() == 0) return;
  run<<<blocks, kThreads, 0, c10::cuda::getCurrentCUDAStream()>>>(body);
  C10_CUDA_KERNEL_LAUNCH_CHECK();
}

template void run_on_gpu(const ConvertTokens&);
template void run_on_gpu(const ScaleTokens&);
template void run_on_gpu(const AddDifferences&);
template void run_on_gpu(const UnpackComponents&);
template void run_on_gpu(const SetOutliers&);

}  // namespace permafrost::data
