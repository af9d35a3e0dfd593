#include <mpi.h>
#include <torch/cuda.h>
#include <unistd.h>

#include <cstdlib>
#include <sstream>

#include "distributed/nccl_group.h"
#include "launch/doctor/checks.h"

namespace permafrost::launch {
namespace {

std::string first_line(const std::string& text) { return text.substr(0, text.find('\n')); }

std::string variable(const char* name) {
  const char* const value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool is_in_path(const std::string& program) {
  std::istringstream folders(variable("PATH"));
  for (std::string folder; std::getline(folders, folder, ':');) {
    if (::access((folder + "/" + program).c_str(), X_OK) == 0) return true;
  }
  return false;
}

// "Open MPI v4.1.4"
std::string mpi_library() {
  char text[MPI_MAX_LIBRARY_VERSION_STRING];
  int length = 0;
  MPI_Get_library_version(text, &length);
  const std::string line(text, static_cast<size_t>(length));
  return line.substr(0, line.find_first_of(",\n"));
}

Finding check_mpi() {
  const std::string built = "v" + std::to_string(OMPI_MAJOR_VERSION) + "." + std::to_string(OMPI_MINOR_VERSION) + ".";
  const std::string running = mpi_library();
  return finding(running.find(built) != std::string::npos, Verdict::kFix, "MPI", running,
                 "this program was built with Open MPI " + built + "x: load that module, or build again");
}

Finding check_mpirun() {
  const std::string version = first_line(output_of({"mpirun", "--version"}));
  const std::string library = mpi_library();
  const std::string number = library.substr(library.rfind('v') + 1);
  const bool is_same = version.find(number) != std::string::npos;
  return finding(is_same, Verdict::kWarn, "mpirun", version.empty() ? "not in PATH" : version,
                 "ranks of another MPI's mpirun each think that they are alone: put that of Open MPI " + number +
                     " into PATH, or start jobs with srun");
}

Finding check_pmix(const distributed::MpiSession& session) {
  const std::string server = variable("PMIX_VERSION"), slurm = variable("SLURM_STEP_ID");
  if (session.size() == 1) return {Verdict::kOk, "PMIx", "one rank: nothing to agree on", ""};
  return finding(!server.empty() || slurm.empty(), Verdict::kWarn, "PMIx",
                 server.empty() ? "no server" : "server " + server, "srun --mpi=pmix");
}

Finding check_slurm() {
  const std::string version = first_line(output_of({"srun", "--version"}));
  if (version.empty() && !is_in_path("srun")) {
    return {Verdict::kOk, "Slurm", "no srun in PATH: jobs are started by mpirun", ""};
  }
  if (version.empty()) {
    return {Verdict::kWarn, "Slurm", "srun is there, but `srun --version` fails",
            "give this node the cluster's slurm.conf"};
  }
  const bool has_pmix = output_of({"srun", "--mpi=list"}).find("pmix") != std::string::npos;
  return finding(has_pmix, Verdict::kWarn, "Slurm", version + (has_pmix ? ", with PMIx" : ", without PMIx"),
                 "install Slurm's PMIx plugin; until then start ranks with mpirun inside the allocation");
}

}  // namespace

std::vector<Finding> check_launchers(const distributed::MpiSession& session) {
  return {check_mpi(), check_mpirun(), check_pmix(session), check_slurm()};
}

std::vector<Finding> check_gpus() {
  const std::string listed =
      output_of({"nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"});
  const int64_t seen = static_cast<int64_t>(torch::cuda::device_count());
  if (listed.empty() && seen == 0) return {{Verdict::kOk, "GPUs", "none: ranks compute on the processor", ""}};
  std::vector<Finding> findings;
  std::istringstream lines(listed);
  int64_t there = 0;
  for (std::string line; std::getline(lines, line); ++there) findings.push_back({Verdict::kOk, "GPU", line, ""});
  findings.push_back(finding(seen == there, Verdict::kFix, "CUDA",
                             "LibTorch sees " + std::to_string(seen) + " of " + std::to_string(there) + " GPUs",
                             "a driver too old for this LibTorch, CUDA_VISIBLE_DEVICES, or a build without CUDA "
                             "(cmake -DPERMAFROST_CUDA=ON)"));
  const std::string nccl = distributed::nccl_version();
  findings.push_back(finding(!nccl.empty(), Verdict::kFix, "NCCL", nccl.empty() ? "not in this build" : nccl,
                             "build where the CUDA toolkit is: cmake -DPERMAFROST_CUDA=ON"));
  if (there > 1) {
    const bool has_links = output_of({"nvidia-smi", "topo", "-m"}).find("NV") != std::string::npos;
    findings.push_back(finding(has_links, Verdict::kWarn, "links of GPUs", has_links ? "NVLink" : "PCIe alone",
                               "all-reduce goes through PCIe: fewer, larger steps hide it"));
  }
  return findings;
}

}  // namespace permafrost::launch
