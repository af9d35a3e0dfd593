// LibTorch's MKL chooses its kernels by the processor's maker: on one that is not Intel's it leaves AVX-512 unused. It
// asks by this name, and the first definition that the loader finds answers, so the program's own does. Which
// instructions there are, MKL still asks the processor. float32 products on an AMD EPYC with AVX-512: 454 instead of
// 199 GFLOP/s (1576 x 768 x 3072, 2 threads).
#include <cstdlib>

extern "C" int mkl_serv_intel_cpu_true() {
  static const bool has_wide_kernels = [] {
    if (__builtin_cpu_is("intel")) return true;
    return __builtin_cpu_supports("avx512f") && std::getenv("PERMAFROST_MKL_BY_VENDOR") == nullptr;
  }();
  return has_wide_kernels ? 1 : 0;
}
