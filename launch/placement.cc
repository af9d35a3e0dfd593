#include "launch/placement.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <dlfcn.h>
#include <torch/cuda.h>
#include <unistd.h>

#include <algorithm>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/log.h"
#include "launch/numa.h"

namespace permafrost::launch {
namespace {

int64_t local_rank(const Invocation& invocation) {
  return invocation.session == nullptr ? 0 : invocation.session->local_rank();
}

int64_t local_size(const Invocation& invocation) {
  return invocation.session == nullptr ? 1 : invocation.session->local_size();
}

// Which of the node's GPUs is this rank's: that of its place, or the only one that it can see.
int64_t gpu_of_rank(const Invocation& invocation, int64_t gpus) { return gpus > 1 ? local_rank(invocation) : 0; }

// Of the GPU that place_device() gives this rank; "" where it gives none. The runtime that LibTorch brings is asked by
// name: without CUDA there is no header of it.
std::string gpu_bus(const Invocation& invocation) {
  const auto gpus = static_cast<int64_t>(torch::cuda::device_count());
  const auto bus_of = reinterpret_cast<int (*)(char*, int, int)>(::dlsym(RTLD_DEFAULT, "cudaDeviceGetPCIBusId"));
  if (invocation.settings.device == "cpu" || gpus == 0 || bus_of == nullptr) return "";
  char bus[32] = {};
  const int64_t index = gpu_of_rank(invocation, gpus);
  if (index >= gpus || bus_of(bus, sizeof bus, static_cast<int>(index)) != 0) return "";
  std::string text = bus;
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

void bind_to_numa_node(const Invocation& invocation) {
  const std::vector<NumaNode> nodes = numa_nodes();
  const NumaNode* node =
      numa_node_for(nodes, local_rank(invocation), local_size(invocation), numa_node_of_pci(gpu_bus(invocation)));
  if (node != nullptr) bind_to(node->cores);
}

// "cpu, 12 threads on cores 0-11 of NUMA node 0"
std::string own_placement(int64_t threads, torch::Device device) {
  const std::vector<int> cores = bound_cores();
  std::string text = device.str() + ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads") +
                     " on cores " + to_text(cores);
  std::string ids;
  for (const NumaNode& node : numa_nodes()) {
    const bool is_used = std::any_of(cores.begin(), cores.end(), [&](int core) {
      return std::binary_search(node.cores.begin(), node.cores.end(), core);
    });
    if (is_used) ids += (ids.empty() ? "" : ", ") + std::to_string(node.id);
  }
  return ids.empty() ? text : text + " of NUMA node " + ids;
}

}  // namespace

int64_t place_threads(const Invocation& invocation) {
  const int64_t node_cores = ::sysconf(_SC_NPROCESSORS_ONLN);
  const auto own_cores = [] { return std::max<int64_t>(1, static_cast<int64_t>(bound_cores().size())); };
  int64_t share = own_cores();
  if (share >= node_cores) {  // else the launcher has shared the cores out already
    share = std::max<int64_t>(1, share / local_size(invocation));
    bind_to_numa_node(invocation);
  }
  const int64_t threads = invocation.settings.threads > 0 ? invocation.settings.threads : std::min(share, own_cores());
  at::set_num_threads(static_cast<int>(threads));
  return threads;
}

std::vector<std::string> log_placement(distributed::Communicator& world, int64_t threads, torch::Device device) {
  const std::vector<std::string> places =
      world.all_gather_strings(" on " + core::host_name() + ": " + own_placement(threads, device));
  std::vector<std::string> lines;
  for (size_t first = 0, end = 0; first < places.size(); first = end) {
    while (end < places.size() && places[end] == places[first]) ++end;
    const std::string ranks = "rank " + std::to_string(first);
    lines.push_back((end - first > 1 ? "ranks " + std::to_string(first) + " to " + std::to_string(end - 1) : ranks) +
                    places[first]);
  }
  if (!world.is_root()) return {};
  for (const std::string& line : lines) core::log_info() << line;
  return lines;
}

torch::Device place_device(const Invocation& invocation) {
  const std::string& wanted = invocation.settings.device;
  const auto gpus = static_cast<int64_t>(torch::cuda::device_count());
  if (wanted == "cpu" || (wanted == "auto" && gpus == 0)) return torch::kCPU;
  if (gpus == 0) {
    throw core::ConfigError(
        "option 'device' is cuda, expected a GPU, found none: give --device cpu, or see whether a driver is there and "
        "the program was built with CUDA");
  }
  const int64_t ranks = local_size(invocation);
  if (gpus > 1 && gpus < ranks) {  // where the launcher gives each rank one, each sees one
    throw core::ConfigError("option 'device' is " + wanted + ", expected a GPU for each rank of this node (" +
                            std::to_string(ranks) + "), found " + std::to_string(gpus) +
                            ": start as many ranks as there are GPUs, or give --device cpu");
  }
  at::globalContext().setAllowTF32CuDNN(false);  // fp32 is to mean fp32
  at::globalContext().setBenchmarkCuDNN(true);   // a step has the same shapes as the one before
  return {torch::kCUDA, static_cast<c10::DeviceIndex>(gpu_of_rank(invocation, gpus))};
}

}  // namespace permafrost::launch
