#include "distributed/process_group.h"

#include <exception>

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

}  // namespace

c10::intrusive_ptr<ProcessGroup> make_process_group(const Communicator& communicator, c10::Device device) {
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
