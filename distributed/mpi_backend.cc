#include "distributed/mpi_backend.h"

#include <ATen/ATen.h>
#include <c10/util/ParallelGuard.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <utility>

#include "core/base/error.h"
#include "distributed/backoff.h"

namespace permafrost::distributed {
namespace {

using c10::intrusive_ptr;
using c10d::OpType;
using c10d::ReduceOp;
using c10d::Work;
using Requests = std::vector<MPI_Request>;

// A reduction goes in rounds, and MPI begins the next one when it is looked at. Looking costs 5 us.
constexpr std::chrono::microseconds kLongestPause{250};

// MPI counts in int: longer tensors go in pieces of this many elements (or bytes, where only bytes move).
constexpr int64_t kPiece = int64_t{1} << 30;

class MpiWork : public Work {
 public:
  MpiWork(int rank, OpType type, std::vector<at::Tensor> outputs)
      : Work(rank, type),
        outputs_(std::move(outputs)),
        future_(c10::make_intrusive<c10::ivalue::Future>(c10::ListType::create(c10::TensorType::get()))) {}

  std::vector<at::Tensor> result() override { return outputs_; }
  intrusive_ptr<c10::ivalue::Future> getFuture() override { return future_; }

  void succeed() {
    finish();
    future_->markCompleted(c10::IValue(outputs_));
  }
  void fail(const std::exception_ptr& failure) {
    finish(failure);
    future_->setError(failure);
  }

 private:
  std::vector<at::Tensor> outputs_;
  intrusive_ptr<c10::ivalue::Future> future_;
};

void check_tensor(const at::Tensor& tensor) {
  TORCH_CHECK(tensor.device().is_cpu() && tensor.layout() == at::kStrided,
              "MpiBackend: expected a dense CPU tensor, found ", tensor.device(), ", ", tensor.layout());
}

at::Tensor only_one(const std::vector<at::Tensor>& tensors) {
  TORCH_CHECK(tensors.size() == 1, "MpiBackend: expected 1 tensor a call, found ", tensors.size());
  check_tensor(tensors.front());
  return tensors.front().detach();
}

bool is_reduced_in_float(at::ScalarType type) { return type == at::kBFloat16 || type == at::kHalf; }

MPI_Datatype mpi_type(at::ScalarType type) {
  switch (type) {
    case at::kFloat:
      return MPI_FLOAT;
    case at::kDouble:
      return MPI_DOUBLE;
    case at::kInt:
      return MPI_INT32_T;
    case at::kLong:
      return MPI_INT64_T;
    case at::kByte:
      return MPI_UINT8_T;
    default:
      TORCH_CHECK(false, "MpiBackend: cannot reduce ", type, ": convert it to float first");
  }
}

MPI_Op mpi_operation(ReduceOp::RedOpType reduction, at::ScalarType type) {
  switch (reduction) {
    case ReduceOp::AVG:
      TORCH_CHECK(at::isFloatingType(type), "MpiBackend: cannot average ", type, ": use SUM");
      return MPI_SUM;
    case ReduceOp::SUM:
      return MPI_SUM;
    case ReduceOp::MAX:
      return MPI_MAX;
    case ReduceOp::MIN:
      return MPI_MIN;
    case ReduceOp::PRODUCT:
      return MPI_PROD;
    default:
      TORCH_CHECK(false, "MpiBackend: reduction ", static_cast<int>(reduction), " is not offered");
  }
}

int64_t byte_count(const at::Tensor& tensor) { return static_cast<int64_t>(tensor.nbytes()); }

// Calls post(start, count, request) for each piece of `count` elements or bytes.
template <class Post>
void post_pieces(int64_t count, Requests* requests, const Post& post) {
  for (int64_t at = 0; at < count; at += kPiece) {
    requests->push_back(MPI_REQUEST_NULL);
    post(at, static_cast<int>(std::min(kPiece, count - at)), &requests->back());
  }
}

// Posts an operation's calls of MPI on the backend's thread.
using Post = std::function<void(MPI_Comm, Requests*)>;

Post gather_into(const at::Tensor& target, const at::Tensor& source) {
  TORCH_CHECK(byte_count(source) <= kPiece, "MpiBackend: an all-gather takes at most 1 GiB a rank, found ",
              byte_count(source), " bytes: gather it in parts");
  return [=, bytes = static_cast<int>(byte_count(source))](MPI_Comm communicator, Requests* requests) {
    requests->push_back(MPI_REQUEST_NULL);
    MPI_TRY(MPI_Iallgather(source.data_ptr(), bytes, MPI_BYTE, target.data_ptr(), bytes, MPI_BYTE, communicator,
                           &requests->back()));
  };
}

}  // namespace

class MpiBackend::Operation {
 public:
  // `finish` runs after MPI is done, before the Work is: it moves the result to where the caller wants it.
  Operation(
      intrusive_ptr<MpiWork> work, Post post, std::function<void()> finish = [] {})
      : work_(std::move(work)), post_(std::move(post)), finish_(std::move(finish)) {}

  const intrusive_ptr<MpiWork>& work() const { return work_; }
  void post(MPI_Comm communicator) { post_(communicator, &requests_); }
  // True once everything is done.
  bool complete() {
    int is_done = 0;
    MPI_TRY(MPI_Testall(static_cast<int>(requests_.size()), requests_.data(), &is_done, MPI_STATUSES_IGNORE));
    if (!is_done) return false;
    finish_();
    work_->succeed();
    return true;
  }

 private:
  intrusive_ptr<MpiWork> work_;
  Post post_;
  std::function<void()> finish_;
  Requests requests_;
};

MpiBackend::MpiBackend(const Communicator& communicator)
    : Backend(communicator.rank(), communicator.size()), communicator_(communicator.duplicate()) {
  thread_ = std::thread([this] { run(); });
}

MpiBackend::~MpiBackend() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
    is_abandoned_ = std::uncaught_exceptions() > 0;
  }
  has_work_.notify_one();
  thread_.join();
}

intrusive_ptr<Work> MpiBackend::allreduce(std::vector<at::Tensor>& tensors, const c10d::AllreduceOptions& options) {
  const at::Tensor tensor = only_one(tensors);
  const ReduceOp::RedOpType reduction = options.reduceOp;
  const bool in_float = is_reduced_in_float(tensor.scalar_type());
  const at::Tensor buffer = (in_float ? tensor.to(at::kFloat) : tensor).contiguous();
  const MPI_Datatype type = mpi_type(buffer.scalar_type());
  const MPI_Op operation = mpi_operation(reduction, buffer.scalar_type());
  const auto post = [=](MPI_Comm communicator, Requests* requests) {
    auto* data = static_cast<char*>(buffer.data_ptr());
    post_pieces(buffer.numel(), requests, [&](int64_t at, int count, MPI_Request* request) {
      char* piece = data + at * buffer.element_size();
      MPI_TRY(MPI_Iallreduce(MPI_IN_PLACE, piece, count, type, operation, communicator, request));
    });
  };
  const auto finish = [=, size = getSize()] {
    if (reduction == ReduceOp::AVG) buffer.div_(size);
    if (!buffer.is_same(tensor)) tensor.copy_(buffer);
  };
  auto work = c10::make_intrusive<MpiWork>(getRank(), OpType::ALLREDUCE, tensors);
  return enqueue(std::make_unique<Operation>(std::move(work), post, finish));
}

intrusive_ptr<Work> MpiBackend::broadcast(std::vector<at::Tensor>& tensors, const c10d::BroadcastOptions& options) {
  const at::Tensor tensor = only_one(tensors);
  const at::Tensor buffer = tensor.contiguous();
  const int root = static_cast<int>(options.rootRank);
  const auto post = [=](MPI_Comm communicator, Requests* requests) {
    auto* data = static_cast<char*>(buffer.data_ptr());
    post_pieces(byte_count(buffer), requests, [&](int64_t at, int count, MPI_Request* request) {
      MPI_TRY(MPI_Ibcast(data + at, count, MPI_BYTE, root, communicator, request));
    });
  };
  const auto finish = [=] {
    if (!buffer.is_same(tensor)) tensor.copy_(buffer);
  };
  auto work = c10::make_intrusive<MpiWork>(getRank(), OpType::BROADCAST, tensors);
  return enqueue(std::make_unique<Operation>(std::move(work), post, finish));
}

intrusive_ptr<Work> MpiBackend::_allgather_base(at::Tensor& output, at::Tensor& input,
                                                const c10d::AllgatherOptions& options) {
  check_tensor(input);
  check_tensor(output);
  TORCH_CHECK(output.is_contiguous() && output.scalar_type() == input.scalar_type() &&
                  output.numel() == input.numel() * getSize(),
              "MpiBackend: an all-gather of ", input.sizes(), " needs a contiguous output of ", getSize(),
              " times as many elements, found ", output.sizes());
  const at::Tensor source = input.detach().contiguous();
  const auto post = gather_into(output.detach(), source);
  auto work = c10::make_intrusive<MpiWork>(getRank(), OpType::_ALLGATHER_BASE, std::vector<at::Tensor>{output});
  return enqueue(std::make_unique<Operation>(std::move(work), post));
}

intrusive_ptr<Work> MpiBackend::allgather(std::vector<std::vector<at::Tensor>>& outputs,
                                          std::vector<at::Tensor>& inputs, const c10d::AllgatherOptions& options) {
  const at::Tensor source = only_one(inputs).contiguous();
  TORCH_CHECK(outputs.size() == 1 && outputs.front().size() == static_cast<size_t>(getSize()),
              "MpiBackend: an all-gather needs one list of ", getSize(), " outputs");
  const std::vector<at::Tensor> targets = outputs.front();
  for (const at::Tensor& target : targets) {
    check_tensor(target);
    TORCH_CHECK(target.sizes() == source.sizes() && target.scalar_type() == source.scalar_type(),
                "MpiBackend: an all-gather of ", source.sizes(), " needs outputs like it, found ", target.sizes());
  }
  const at::Tensor all = at::empty({getSize(), source.numel()}, source.options());  // [ranks, elements]
  const auto finish = [=] {
    for (size_t rank = 0; rank < targets.size(); ++rank) {
      targets[rank].copy_(all[static_cast<int64_t>(rank)].view_as(source));
    }
  };
  auto work = c10::make_intrusive<MpiWork>(getRank(), OpType::ALLGATHER, targets);
  return enqueue(std::make_unique<Operation>(std::move(work), gather_into(all, source), finish));
}

intrusive_ptr<Work> MpiBackend::barrier(const c10d::BarrierOptions& options) {
  const auto post = [](MPI_Comm communicator, Requests* requests) {
    requests->push_back(MPI_REQUEST_NULL);
    MPI_TRY(MPI_Ibarrier(communicator, &requests->back()));
  };
  auto work = c10::make_intrusive<MpiWork>(getRank(), OpType::BARRIER, std::vector<at::Tensor>{});
  return enqueue(std::make_unique<Operation>(std::move(work), post));
}

intrusive_ptr<Work> MpiBackend::enqueue(OperationPointer operation) {
  const intrusive_ptr<MpiWork> work = operation->work();
  {
    const std::lock_guard lock(mutex_);
    if (failure_) std::rethrow_exception(failure_);
    queue_.push_back(std::move(operation));
  }
  has_work_.notify_one();
  return work;
}

void MpiBackend::run() {
  // The compute threads own the cores: what this thread does to a tensor it does alone.
  const c10::ParallelGuard serial(true);
  const at::NoGradGuard no_grad;
  std::vector<OperationPointer> posted;
  Backoff backoff(kLongestPause);
  try {
    while (post_queued(&posted)) {
      const size_t was = posted.size();
      // Not erase_if: where complete() throws, the operations have to be whole, to be told of it.
      for (auto operation = posted.begin(); operation != posted.end();) {
        operation = (*operation)->complete() ? posted.erase(operation) : operation + 1;
      }
      if (posted.size() < was) {
        backoff.reset();
      } else {
        backoff.pause();
      }
    }
    if (posted.empty()) return;
    fail_all(&posted, std::make_exception_ptr(core::IoError("MpiBackend: the process group was left by an exception")));
  } catch (...) {
    fail_all(&posted, std::current_exception());
  }
}

bool MpiBackend::post_queued(std::vector<OperationPointer>* posted) {
  const size_t was = posted->size();
  {
    std::unique_lock lock(mutex_);
    if (posted->empty()) has_work_.wait(lock, [this] { return !queue_.empty() || is_stopping_; });
    if (is_abandoned_ || (queue_.empty() && posted->empty())) return false;
    std::move(queue_.begin(), queue_.end(), std::back_inserter(*posted));
    queue_.clear();
  }
  for (size_t i = was; i < posted->size(); ++i) (*posted)[i]->post(communicator_.get());
  return true;
}

void MpiBackend::fail_all(std::vector<OperationPointer>* posted, std::exception_ptr failure) {
  const std::lock_guard lock(mutex_);
  failure_ = failure;
  std::move(queue_.begin(), queue_.end(), std::back_inserter(*posted));
  queue_.clear();
  for (OperationPointer& operation : *posted) {
    operation->work()->fail(failure);
    // MPI may still write to its tensors: they must outlive the process.
    operation.release();
  }
  posted->clear();
}

}  // namespace permafrost::distributed
