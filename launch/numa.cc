#include "launch/numa.h"

#include <sched.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/base/log.h"

namespace permafrost::launch {
namespace {

constexpr int kMostCores = CPU_SETSIZE;

std::string line_of(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::string line;
  std::getline(file, line);
  return line;
}

// Of all of `text`; -1 where that is not a number.
int number_in(std::string_view text) {
  int value = -1;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  return error == std::errc() && end == text.data() + text.size() ? value : -1;
}

}  // namespace

std::vector<int> parse_cores(const std::string& text) {
  std::vector<int> cores;
  std::istringstream ranges(text);
  for (std::string range; std::getline(ranges, range, ',');) {
    const size_t dash = range.find('-', 1);
    const int first = number_in(std::string_view(range).substr(0, dash));
    const int last = dash == std::string::npos ? first : number_in(std::string_view(range).substr(dash + 1));
    if (first < 0 || last < first || last >= kMostCores) return {};
    for (int core = first; core <= last; ++core) cores.push_back(core);
  }
  return cores;
}

std::string to_text(const std::vector<int>& cores) {
  std::string text;
  for (size_t i = 0; i < cores.size();) {
    size_t end = i + 1;
    while (end < cores.size() && cores[end] == cores[end - 1] + 1) ++end;
    text += (text.empty() ? "" : ",") + std::to_string(cores[i]);
    if (end - i > 1) text += "-" + std::to_string(cores[end - 1]);
    i = end;
  }
  return text;
}

std::vector<NumaNode> numa_nodes(const std::string& root) {
  std::vector<NumaNode> nodes;
  std::error_code error;
  for (const auto& entry : std::filesystem::directory_iterator(root, error)) {
    const std::string name = entry.path().filename().string();
    const int id = name.starts_with("node") ? number_in(std::string_view(name).substr(4)) : -1;
    if (id < 0) continue;
    NumaNode node{.id = id, .cores = parse_cores(line_of(entry.path() / "cpulist"))};
    if (!node.cores.empty()) nodes.push_back(std::move(node));
  }
  std::sort(nodes.begin(), nodes.end(), [](const NumaNode& a, const NumaNode& b) { return a.id < b.id; });
  return nodes;
}

int64_t numa_node_of_pci(const std::string& bus, const std::string& root) {
  return bus.empty() ? -1 : number_in(line_of(std::filesystem::path(root) / bus / "numa_node"));
}

const NumaNode* numa_node_for(const std::vector<NumaNode>& nodes, int64_t local_rank, int64_t local_size,
                              int64_t gpu_node) {
  if (nodes.size() < 2) return nullptr;
  const auto of_gpu =
      std::find_if(nodes.begin(), nodes.end(), [&](const NumaNode& node) { return node.id == gpu_node; });
  if (of_gpu != nodes.end()) return &*of_gpu;
  const auto count = static_cast<int64_t>(nodes.size());
  if (local_size % count != 0) return nullptr;
  return &nodes[static_cast<size_t>(local_rank * count / local_size)];
}

std::vector<int> bound_cores() {
  cpu_set_t set;
  CPU_ZERO(&set);
  std::vector<int> cores;
  if (::sched_getaffinity(0, sizeof set, &set) != 0) return cores;
  for (int core = 0; core < kMostCores; ++core) {
    if (CPU_ISSET(core, &set)) cores.push_back(core);
  }
  return cores;
}

void bind_to(const std::vector<int>& cores) {
  cpu_set_t set;
  CPU_ZERO(&set);
  for (const int core : cores) CPU_SET(core, &set);
  if (::sched_setaffinity(0, sizeof set, &set) != 0) {
    core::log_warning() << "cannot bind this rank to cores " << to_text(cores) << ": it goes on on all of them";
  }
}

}  // namespace permafrost::launch
