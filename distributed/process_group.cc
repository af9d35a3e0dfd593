#include "distributed/process_group.h"

#include <algorithm>
#include <exception>
#include <string>
#include <vector>

#include "core/base/error.h"
#include "core/base/log.h"
#include "distributed/mpi_backend.h"
#include "distributed/nccl_group.h"

namespace permafrost::distributed {
namespace {

using c10d::ProcessGroup;

// c10d leaves the shutting down to its user, and NCCL complains on stderr when nobody did.
class OwnedProcessGroup : public ProcessGroup {
 public:
  OwnedProcessGroup(int rank, int size, c10::Device device, BackendType type,
                    const c10::intrusive_ptr<c10d::Backend>& backend)
      : ProcessGroup(rank, size) {
    if (device.has_index()) setBoundDeviceId(device);
    setBackend(device.type(), type, backend);
    setDefaultBackend(type);
  }

  ~OwnedProcessGroup() override {
    try {
      if (std::uncaught_exceptions() > 0) {
        abort();
      } else {
        shutdown();
      }
    } catch (const std::exception& error) {
      core::log_error() << "cannot shut the process group down: " << error.what();
    }
  }
};

// Ranks on nodes with GPUs would wait for ever for those on nodes without.
void require_same_devices(Communicator& communicator, c10::Device device) {
  const std::string own = c10::DeviceTypeName(device.type(), /*lower_case=*/true);
  const std::vector<std::string> all = communicator.all_gather_strings(own);
  const auto other = std::find_if(all.begin(), all.end(), [&](const std::string& kind) { return kind != all.front(); });
  if (other == all.end()) return;
  throw core::ConfigError("rank 0 computes on " + all.front() + " and rank " + std::to_string(other - all.begin()) +
                          " on " + *other + ": give --device cpu, or nodes that all have GPUs");
}

}  // namespace

c10::intrusive_ptr<ProcessGroup> make_process_group(Communicator& communicator, c10::Device device) {
  require_same_devices(communicator, device);
  const int rank = communicator.rank();
  const int size = communicator.size();
  if (device.is_cpu()) {
    return c10::make_intrusive<OwnedProcessGroup>(rank, size, device, ProcessGroup::CUSTOM,
                                                  c10::make_intrusive<MpiBackend>(communicator));
  }
  if (device.is_cuda()) {
    return c10::make_intrusive<OwnedProcessGroup>(rank, size, device, ProcessGroup::NCCL,
                                                  make_nccl_backend(communicator, device));
  }
  throw core::ConfigError("device " + device.str() + ": expected cpu or cuda: choose one of them");
}

}  // namespace permafrost::distributed
