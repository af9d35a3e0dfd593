#include "distributed/communicator.h"

#include <algorithm>

#include "core/base/error.h"
#include "distributed/backoff.h"

namespace permafrost::distributed {
namespace {

// MPI counts in int; longer texts go in pieces.
constexpr size_t kPieceBytes = size_t{1} << 30;
constexpr int kTextTag = 1;

void wait_for_one(MPI_Request request) {
  std::vector<MPI_Request> requests = {request};
  wait_for(requests);
}

// Calls post(data, bytes) for each piece of `text`.
template <class Post>
void for_each_piece(char* data, size_t bytes, const Post& post) {
  for (size_t at = 0; at < bytes; at += kPieceBytes) {
    post(data + at, static_cast<int>(std::min(kPieceBytes, bytes - at)));
  }
}

// To rank 0 and back. An all-reduction in one call is chosen for gradients (mpi_session.cc): fewer numbers than ranks
// would pass through all ranks, one after the other.
void reduce_everywhere(MPI_Comm communicator, void* values, int count, MPI_Datatype type, MPI_Op operation) {
  int rank = 0;
  MPI_TRY(MPI_Comm_rank(communicator, &rank));
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_TRY(MPI_Ireduce(rank == 0 ? MPI_IN_PLACE : values, values, count, type, operation, 0, communicator, &request));
  wait_for_one(request);
  MPI_TRY(MPI_Ibcast(values, count, type, 0, communicator, &request));
  wait_for_one(request);
}

std::vector<int64_t> gather_sizes(MPI_Comm communicator, int size, int root, int64_t bytes) {
  std::vector<int64_t> sizes(static_cast<size_t>(size));
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_TRY(MPI_Igather(&bytes, 1, MPI_INT64_T, sizes.data(), 1, MPI_INT64_T, root, communicator, &request));
  wait_for_one(request);
  return sizes;
}

template <class T>
void append_bytes(std::string* text, const T& value) {
  text->append(reinterpret_cast<const char*>(&value), sizeof value);
}

// Lengths first, then the texts, so that one broadcast carries them all.
std::string pack(const std::vector<std::string>& texts) {
  std::string packed;
  for (const std::string& text : texts) append_bytes(&packed, static_cast<uint64_t>(text.size()));
  for (const std::string& text : texts) packed += text;
  return packed;
}

std::vector<std::string> unpack(const std::string& packed, size_t count) {
  std::vector<std::string> texts;
  size_t at = count * sizeof(uint64_t);
  for (size_t i = 0; i < count; ++i) {
    uint64_t bytes = 0;
    std::copy_n(packed.data() + i * sizeof bytes, sizeof bytes, reinterpret_cast<char*>(&bytes));
    texts.push_back(packed.substr(at, bytes));
    at += bytes;
  }
  return texts;
}

}  // namespace

void MpiCommTraits::close(Handle communicator) {
  int is_finalized = 0;
  MPI_LOG(MPI_Finalized(&is_finalized));
  if (!is_finalized) MPI_LOG(MPI_Comm_free(&communicator));
}

void wait_for(std::vector<MPI_Request>& requests) {
  Backoff backoff;
  for (;;) {
    int is_done = 0;
    MPI_TRY(MPI_Testall(static_cast<int>(requests.size()), requests.data(), &is_done, MPI_STATUSES_IGNORE));
    if (is_done) return;
    backoff.pause();
  }
}

Communicator::Communicator(const MpiSession&) : Communicator(MPI_COMM_WORLD) {}

Communicator::Communicator(MPI_Comm parent) {
  MPI_Comm copy = MPI_COMM_NULL;
  MPI_TRY(MPI_Comm_dup(parent, &copy));
  handle_.reset(copy);
  MPI_TRY(MPI_Comm_set_errhandler(copy, MPI_ERRORS_RETURN));
  MPI_TRY(MPI_Comm_rank(copy, &rank_));
  MPI_TRY(MPI_Comm_size(copy, &size_));
}

void Communicator::barrier() {
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_TRY(MPI_Ibarrier(handle_.get(), &request));
  wait_for_one(request);
}

std::string Communicator::broadcast(std::string text, int root) {
  int64_t bytes = static_cast<int64_t>(text.size());
  MPI_Request request = MPI_REQUEST_NULL;
  MPI_TRY(MPI_Ibcast(&bytes, 1, MPI_INT64_T, root, handle_.get(), &request));
  wait_for_one(request);
  text.resize(static_cast<size_t>(bytes));
  for_each_piece(text.data(), text.size(), [&](char* data, int piece_bytes) {
    MPI_Request piece = MPI_REQUEST_NULL;
    MPI_TRY(MPI_Ibcast(data, piece_bytes, MPI_BYTE, root, handle_.get(), &piece));
    wait_for_one(piece);
  });
  return text;
}

std::vector<std::string> Communicator::gather(const std::string& text, int root) {
  const auto sizes = gather_sizes(handle_.get(), size_, root, static_cast<int64_t>(text.size()));
  std::vector<MPI_Request> requests;
  std::vector<std::string> texts(rank_ == root ? static_cast<size_t>(size_) : 0);
  for (size_t source = 0; source < texts.size(); ++source) {
    if (static_cast<int>(source) == rank_) {
      texts[source] = text;
      continue;
    }
    texts[source].resize(static_cast<size_t>(sizes[source]));
    for_each_piece(texts[source].data(), texts[source].size(), [&](char* data, int bytes) {
      requests.emplace_back(MPI_REQUEST_NULL);
      const int from = static_cast<int>(source);
      MPI_TRY(MPI_Irecv(data, bytes, MPI_BYTE, from, kTextTag, handle_.get(), &requests.back()));
    });
  }
  if (rank_ != root) {
    for_each_piece(const_cast<char*>(text.data()), text.size(), [&](char* data, int bytes) {
      requests.emplace_back(MPI_REQUEST_NULL);
      MPI_TRY(MPI_Isend(data, bytes, MPI_BYTE, root, kTextTag, handle_.get(), &requests.back()));
    });
  }
  wait_for(requests);
  return texts;
}

std::vector<std::string> Communicator::all_gather_strings(const std::string& text) {
  const std::vector<std::string> texts = gather(text);
  return unpack(broadcast(rank_ == 0 ? pack(texts) : ""), static_cast<size_t>(size_));
}

std::vector<double> Communicator::all_reduce_sum(std::vector<double> values) {
  reduce_everywhere(handle_.get(), values.data(), static_cast<int>(values.size()), MPI_DOUBLE, MPI_SUM);
  return values;
}

int64_t Communicator::all_reduce_max(int64_t value) {
  reduce_everywhere(handle_.get(), &value, 1, MPI_INT64_T, MPI_MAX);
  return value;
}

}  // namespace permafrost::distributed
