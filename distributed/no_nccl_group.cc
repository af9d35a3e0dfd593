#include "core/base/error.h"
#include "distributed/nccl_group.h"

namespace permafrost::distributed {

c10::intrusive_ptr<c10d::Backend> make_nccl_backend(const Communicator&, c10::Device device) {
  throw core::ConfigError("device " + device.str() +
                          ": this program was built without CUDA and NCCL: use the CPU, or build with "
                          "PERMAFROST_CUDA=ON");
}

std::string nccl_version() { return ""; }

}  // namespace permafrost::distributed
