#include <mpi.h>
#include <torch/cuda.h>
#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <filesystem>
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
  const std::string built = std::to_string(OMPI_MAJOR_VERSION) + "." + std::to_string(OMPI_MINOR_VERSION) + ".";
  const std::string running = mpi_library();
  return finding(running.find("v" + built) != std::string::npos, Verdict::kWarn, "MPI", running,
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

Finding check_no_gpus() {
  const bool has_driver = is_in_path("nvidia-smi") || std::filesystem::exists("/dev/nvidiactl");
  return finding(!has_driver, Verdict::kFix, "GPUs",
                 has_driver ? "a driver is installed and does not answer" : "none: ranks compute on processors",
                 "nvidia-smi tells what is wrong with it; --device cpu does without");
}

// `seen` by LibTorch of those `there`.
Finding check_cuda(int64_t seen, int64_t there) {
  const std::string nccl = distributed::nccl_version(), visible = variable("CUDA_VISIBLE_DEVICES");
  if (nccl.empty()) {
    return {Verdict::kWarn, "CUDA", "this build has none: ranks compute on processors",
            "build where the CUDA toolkit is: cmake -DPERMAFROST_CUDA=ON"};
  }
  std::string found =
      "LibTorch sees " + std::to_string(seen) + " of " + std::to_string(std::max(seen, there)) + " GPUs, NCCL " + nccl;
  if (!visible.empty()) found += ", CUDA_VISIBLE_DEVICES=" + visible;
  return finding(seen > 0 || !visible.empty(), Verdict::kFix, "CUDA", found,
                 "a driver too old for this LibTorch? nvidia-smi tells the CUDA that it can do");
}

// Of the matrix alone: the legend below it names NVLink in any case.
Finding check_links() {
  const std::string matrix = output_of({"nvidia-smi", "topo", "-m"});
  const size_t legend = matrix.find("Legend");
  bool has_nvlink = false;
  for (size_t at = matrix.find("NV"); at < legend && at != std::string::npos; at = matrix.find("NV", at + 2)) {
    has_nvlink =
        has_nvlink || (at + 2 < matrix.size() && std::isdigit(static_cast<unsigned char>(matrix[at + 2])) != 0);
  }
  return finding(has_nvlink, Verdict::kWarn, "links of GPUs", has_nvlink ? "NVLink" : "PCIe alone",
                 "all-reduce goes through PCIe: fewer, larger steps hide it");
}

}  // namespace

std::vector<Finding> check_launchers(const distributed::MpiSession& session) {
  return {check_mpi(), check_mpirun(), check_pmix(session), check_slurm()};
}

std::vector<Finding> check_gpus() {
  const std::string listed =
      output_of({"nvidia-smi", "--query-gpu=name,memory.total,driver_version", "--format=csv,noheader"});
  const auto seen = static_cast<int64_t>(torch::cuda::device_count());
  if (listed.empty() && seen == 0) return {check_no_gpus()};
  std::vector<Finding> findings;
  std::istringstream lines(listed);
  for (std::string line; std::getline(lines, line);) findings.push_back({Verdict::kOk, "GPU", line, ""});
  const auto there = static_cast<int64_t>(findings.size());
  findings.push_back(check_cuda(seen, there));
  if (there > 1) findings.push_back(check_links());
  return findings;
}

}  // namespace permafrost::launch
