#include "distributed/mpi_error.h"

#include <string>

#include "core/base/error.h"
#include "core/base/log.h"

namespace permafrost::distributed {
namespace {

// "distributed/communicator.cc", wherever the source tree lies.
std::string last_two_parts(const std::string& path) {
  const size_t last = path.rfind('/');
  const size_t before = last == std::string::npos || last == 0 ? std::string::npos : path.rfind('/', last - 1);
  return before == std::string::npos ? path : path.substr(before + 1);
}

std::string describe(int code, const char* call, const char* file, int line) {
  char text[MPI_MAX_ERROR_STRING] = "unknown error";
  int length = 0;
  MPI_Error_string(code, text, &length);
  int is_initialized = 0;
  int is_finalized = 0;
  int rank = -1;
  MPI_Initialized(&is_initialized);
  MPI_Finalized(&is_finalized);
  if (is_initialized && !is_finalized) MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  const std::string who = rank < 0 ? "" : "rank " + std::to_string(rank) + ": ";
  return who + call + ": " + text + " (" + last_two_parts(file) + ":" + std::to_string(line) + ")";
}

}  // namespace

void check_mpi(int code, const char* call, const char* file, int line) {
  if (code != MPI_SUCCESS) throw core::IoError(describe(code, call, file, line));
}

void log_mpi(int code, const char* call, const char* file, int line) noexcept {
  if (code != MPI_SUCCESS) core::log_error() << describe(code, call, file, line);
}

}  // namespace permafrost::distributed
