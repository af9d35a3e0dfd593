#include <dlfcn.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <string>

namespace permafrost::core {
namespace {

// Whoever asks by this name, LibTorch's MKL too, must find the program's own function before MKL's.
TEST(MklVendor, IsAnsweredByTheProgram) {
  void* found = ::dlsym(RTLD_DEFAULT, "mkl_serv_intel_cpu_true");
  ASSERT_NE(found, nullptr);
  Dl_info info{};
  ASSERT_NE(::dladdr(found, &info), 0);
  EXPECT_EQ(std::filesystem::canonical(info.dli_fname), std::filesystem::canonical("/proc/self/exe"));
}

}  // namespace
}  // namespace permafrost::core
