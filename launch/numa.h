// The memory nodes (NUMA) of this machine, and on whose cores a rank computes: memory of another node is slower.
//
//   const std::vector<NumaNode> nodes = numa_nodes();
//   if (const NumaNode* node = numa_node_for(nodes, local_rank, local_size, numa_node_of_pci(bus)))
//   bind_to(node->cores);
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace permafrost::launch {

struct NumaNode {
  int64_t id = 0;
  std::vector<int> cores;  // ascending
};

// As Linux writes cores: "0-3,8". Empty where the text is something else.
std::vector<int> parse_cores(const std::string& text);
std::string to_text(const std::vector<int>& cores);

// Those that have cores, by id; empty where Linux tells none. `root` is for tests.
std::vector<NumaNode> numa_nodes(const std::string& root = "/sys/devices/system/node");

// The node that a device ("0000:3b:00.0") is attached to; -1 where Linux tells none.
int64_t numa_node_of_pci(const std::string& bus, const std::string& root = "/sys/bus/pci/devices");

// The GPU's node; else an even share of the nodes in the order of ranks. Null where a rank is to have the whole
// machine: it has one node, or fewer ranks than nodes, or ranks that do not spread over them evenly.
const NumaNode* numa_node_for(const std::vector<NumaNode>& nodes, int64_t local_rank, int64_t local_size,
                              int64_t gpu_node);

// The cores that this thread may run on, and with it those that it starts.
std::vector<int> bound_cores();
void bind_to(const std::vector<int>& cores);

}  // namespace permafrost::launch
