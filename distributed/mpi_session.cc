#include "distributed/mpi_session.h"

#include <stdlib.h>

#include <cstdlib>
#include <exception>
#include <iostream>
#include <string_view>

#include "core/base/error.h"
#include "core/base/log.h"

namespace permafrost::distributed {
namespace {

// Slurm numbers its own steps (batch, interactive, extern) from here up.
constexpr uint64_t kFirstSpecialStep = 0xfffffff0;

// By itself OpenMPI sends a gradient that is reduced in place whole, up a tree of ranks and down again, one way at a
// time. Rabenseifner's halving and doubling sends less than twice a gradient's bytes, both ways at once: half the time
// on two nodes, a third on eight. Other MPIs do not look at this; who has set it is right.
constexpr const char* kAllReduceVariable = "OMPI_MCA_coll_libnbc_iallreduce_algorithm";
constexpr const char* kRabenseifner = "3";

// One process alone would start a daemon of OpenMPI's, which takes a sixth of a second and listens to the network.
constexpr const char* kAloneVariable = "OMPI_MCA_ess_singleton_isolated";

std::optional<int64_t> number_in(const char* text) {
  if (text == nullptr || *text == '\0') return std::nullopt;
  char* end = nullptr;
  const long long value = std::strtoll(text, &end, 10);
  if (*end != '\0') return std::nullopt;
  return value;
}

// Under an srun that gives its ranks no PMI, OpenMPI ends the program with a page of its own. One rank alone needs
// none, and does not look for it where this variable is missing.
void prepare_for_srun() {
  const auto launched = launched_ranks();
  if (!launched || !std::string_view(launched->variable).starts_with("SLURM")) return;
  if (std::getenv("PMIX_RANK") != nullptr || std::getenv("PMI_RANK") != nullptr) return;
  if (launched->count > 1) {
    throw core::ConfigError("srun started " + std::to_string(launched->count) + " ranks (" + launched->variable +
                            ") that cannot find each other: start with srun --mpi=pmix");
  }
  ::unsetenv("SLURM_NODELIST");
}

void check_size(int size) {
  const auto expected = launched_ranks();
  if (!expected || expected->count == size) return;
  throw core::ConfigError("the launcher started " + std::to_string(expected->count) + " ranks (" + expected->variable +
                          "), MPI sees " + std::to_string(size) +
                          ": start with mpirun of the MPI that this program was built with, or srun --mpi=pmix");
}

}  // namespace

std::optional<ExpectedRanks> expected_ranks(const std::function<const char*(const char*)>& lookup) {
  if (const auto ranks = number_in(lookup("OMPI_COMM_WORLD_SIZE")))
    return ExpectedRanks{*ranks, "OMPI_COMM_WORLD_SIZE"};
  const auto step = number_in(lookup("SLURM_STEP_ID"));
  if (!step || static_cast<uint64_t>(*step) >= kFirstSpecialStep) return std::nullopt;
  // SLURM_NTASKS may be the job's; the step's own number is right where Slurm gives it.
  for (const char* variable : {"SLURM_STEP_NUM_TASKS", "SLURM_NTASKS"}) {
    if (const auto ranks = number_in(lookup(variable))) return ExpectedRanks{*ranks, variable};
  }
  return std::nullopt;
}

std::optional<ExpectedRanks> launched_ranks() {
  return expected_ranks([](const char* name) { return std::getenv(name); });
}

MpiSession::MpiSession(int* argc, char*** argv, const Deadlines& deadlines) : deadlines_(deadlines) {
  const Deadline deadline("the start of MPI, which waits for every rank,", deadlines.start);
  start(argc, argv);
  try {
    find_place();
    check_size(size_);
  } catch (...) {
    // No destructor runs for a constructor that throws, and a process that leaves MPI open is reported as a crash.
    MPI_LOG(MPI_Finalize());
    throw;
  }
}

void MpiSession::start(int* argc, char*** argv) {
  int is_initialized = 0;
  MPI_TRY(MPI_Initialized(&is_initialized));
  PERMAFROST_CHECK(!is_initialized, "a second MpiSession in one process");
  prepare_for_srun();
  ::setenv(kAloneVariable, "1", /*overwrite=*/0);
  ::setenv(kAllReduceVariable, kRabenseifner, /*overwrite=*/0);
  int provided = MPI_THREAD_SINGLE;
  MPI_TRY(MPI_Init_thread(argc, argv, MPI_THREAD_MULTIPLE, &provided));
  MPI_Comm_set_errhandler(MPI_COMM_WORLD, MPI_ERRORS_RETURN);
  MPI_Comm_set_errhandler(MPI_COMM_SELF, MPI_ERRORS_RETURN);
  if (provided < MPI_THREAD_MULTIPLE) {
    MPI_LOG(MPI_Finalize());
    throw core::IoError("MPI offers thread level " + std::to_string(provided) + ", expected MPI_THREAD_MULTIPLE (" +
                        std::to_string(MPI_THREAD_MULTIPLE) + "): use an MPI built with thread support");
  }
}

void MpiSession::find_place() {
  MPI_TRY(MPI_Comm_rank(MPI_COMM_WORLD, &rank_));
  MPI_TRY(MPI_Comm_size(MPI_COMM_WORLD, &size_));
  MPI_Comm node = MPI_COMM_NULL;
  MPI_TRY(MPI_Comm_split_type(MPI_COMM_WORLD, MPI_COMM_TYPE_SHARED, rank_, MPI_INFO_NULL, &node));
  MPI_TRY(MPI_Comm_rank(node, &local_rank_));
  MPI_TRY(MPI_Comm_size(node, &local_size_));
  node_ranks_.resize(local_size_);
  MPI_TRY(MPI_Allgather(&rank_, 1, MPI_INT, node_ranks_.data(), 1, MPI_INT, node));
  MPI_TRY(MPI_Comm_free(&node));
}

MpiSession::~MpiSession() {
  if (std::uncaught_exceptions() > 0 && size_ > 1) {
    core::log_error() << "rank " << rank_ << " leaves by an exception: ending the job";
    abort_job(core::kExitError);
  }
  const Deadline deadline("leaving MPI, which waits for every rank,", deadlines_.shutdown);
  MPI_LOG(MPI_Finalize());
}

void MpiSession::abort_job(int exit_code) {
  core::show_status("");
  std::cout.flush();
  std::cerr.flush();
  if (size_ > 1) {
    MPI_Abort(MPI_COMM_WORLD, exit_code);
  } else {
    MPI_Finalize();
  }
  // Static destructors may wait for threads that wait for ranks that are gone.
  std::_Exit(exit_code);
}

}  // namespace permafrost::distributed
