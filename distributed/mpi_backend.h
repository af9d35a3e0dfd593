// c10d's collectives on CPU tensors over MPI, for ranks without a GPU.
//
//   auto backend = c10::make_intrusive<MpiBackend>(world);
//   std::vector<torch::Tensor> tensors = {gradient};
//   backend->allreduce(tensors)->wait();
//
// One thread posts MPI's non-blocking collectives in the order of the calls and looks after them with short sleeps, so
// that reduction overlaps computation. A tensor must stay untouched until its Work is done. Each call takes one tensor
// of one list, dense, on the CPU, of the same type and shape on every rank; any other raises c10::Error at the call.
// Failures of MPI come out of Work::wait() as IoError, and then every later operation fails with it.
// Reductions give the same bits on every rank and in every run of as many ranks.
#pragma once

#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <thread>
#include <torch/csrc/distributed/c10d/Backend.hpp>
#include <vector>

#include "distributed/communicator.h"

namespace permafrost::distributed {

class MpiBackend : public c10d::Backend {
 public:
  // Collective over `communicator`, which it copies.
  explicit MpiBackend(const Communicator& communicator);
  // Completes what is under way; while an exception unwinds it abandons it, as the job ends.
  ~MpiBackend() override;

  const std::string getBackendName() const override { return "mpi"; }

  // SUM, AVG (floating point only), MAX, MIN, PRODUCT over float, double, int, long, uint8; bfloat16 and half are
  // reduced in float and rounded once.
  c10::intrusive_ptr<c10d::Work> allreduce(std::vector<at::Tensor>& tensors,
                                           const c10d::AllreduceOptions& options = {}) override;
  // Any type.
  c10::intrusive_ptr<c10d::Work> broadcast(std::vector<at::Tensor>& tensors,
                                           const c10d::BroadcastOptions& options = {}) override;
  // outputs[0][rank] = inputs[0] of that rank. Any type.
  c10::intrusive_ptr<c10d::Work> allgather(std::vector<std::vector<at::Tensor>>& outputs,
                                           std::vector<at::Tensor>& inputs,
                                           const c10d::AllgatherOptions& options = {}) override;
  // `output` holds size() times the elements of `input`.
  c10::intrusive_ptr<c10d::Work> _allgather_base(at::Tensor& output, at::Tensor& input,
                                                 const c10d::AllgatherOptions& options = {}) override;
  c10::intrusive_ptr<c10d::Work> barrier(const c10d::BarrierOptions& options = {}) override;

  class Operation;

 private:
  using OperationPointer = std::unique_ptr<Operation>;

  c10::intrusive_ptr<c10d::Work> enqueue(OperationPointer operation);
  void run();
  // Sleeps while nothing is under way; false when the thread has to end.
  bool post_queued(std::vector<OperationPointer>* posted);
  void fail_all(std::vector<OperationPointer>* posted, std::exception_ptr failure);

  Communicator communicator_;
  std::mutex mutex_;
  std::condition_variable has_work_;
  std::deque<OperationPointer> queue_;
  std::exception_ptr failure_;
  bool is_stopping_ = false;
  bool is_abandoned_ = false;
  std::thread thread_;
};

}  // namespace permafrost::distributed
