// Turns MPI's return codes into IoError.
//
//   MPI_TRY(MPI_Ibarrier(communicator, &request));
//   // "rank 1: MPI_Ibarrier(communicator, &request): MPI_ERR_COMM: invalid communicator
//   (distributed/communicator.cc:31)"
//
// MPI returns codes only where MPI_ERRORS_RETURN is set; MpiSession and Communicator set it.
#pragma once

#include <mpi.h>

namespace permafrost::distributed {

void check_mpi(int code, const char* call, const char* file, int line);

// For destructors: logs what check_mpi would throw.
void log_mpi(int code, const char* call, const char* file, int line) noexcept;

}  // namespace permafrost::distributed

#define MPI_TRY(call) ::permafrost::distributed::check_mpi((call), #call, __FILE__, __LINE__)
#define MPI_LOG(call) ::permafrost::distributed::log_mpi((call), #call, __FILE__, __LINE__)
