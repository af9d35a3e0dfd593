#include "launch/numa.h"

#include <gmock/gmock.h>

#include "core/base/file.h"
#include "tests/temporary_directory.h"

namespace permafrost::launch {
namespace {

using ::testing::ElementsAre;
using ::testing::IsEmpty;

TEST(Numa, CoresAreReadAndWrittenAsLinuxDoes) {
  EXPECT_THAT(parse_cores("0-3,8"), ElementsAre(0, 1, 2, 3, 8));
  EXPECT_THAT(parse_cores("5"), ElementsAre(5));
  for (const char* text : {"0-3,8", "5", "1,3,5-6", ""}) EXPECT_EQ(to_text(parse_cores(text)), text);
  for (const char* text : {"x", "3-1", "-2", "0-", "0-99999999", "1;2"})
    EXPECT_THAT(parse_cores(text), IsEmpty()) << text;
}

TEST(Numa, NodesWithCoresAreFoundByTheirNumbers) {
  permafrost::testing::TemporaryDirectory root;
  const auto add = [&](const std::string& name, const std::string& file, const std::string& text) {
    core::make_directories(root.path() + "/" + name);
    core::publish_text(root.path() + "/" + name + "/" + file, text);
  };
  add("node10", "cpulist", "4-7\n");
  add("node2", "cpulist", "0-3\n");
  add("node3", "cpulist", "\n");  // memory alone
  add("nodes", "cpulist", "9\n");
  add("0000:3b:00.0", "numa_node", "2\n");
  add("0000:3c:00.0", "numa_node", "-1\n");
  const std::vector<NumaNode> nodes = numa_nodes(root.path());
  ASSERT_EQ(nodes.size(), 2);
  EXPECT_EQ(nodes[0].id, 2);
  EXPECT_THAT(nodes[1].cores, ElementsAre(4, 5, 6, 7));
  EXPECT_EQ(numa_node_of_pci("0000:3b:00.0", root.path()), 2);
  EXPECT_EQ(numa_node_of_pci("0000:3c:00.0", root.path()), -1);
  EXPECT_EQ(numa_node_of_pci("0000:99:00.0", root.path()), -1);
  EXPECT_THAT(numa_nodes(root.path() + "/absent"), IsEmpty());
}

TEST(Numa, RanksShareTheNodesEvenlyOrHaveTheMachine) {
  const std::vector<NumaNode> two{{.id = 0, .cores = {0, 1}}, {.id = 1, .cores = {2, 3}}};
  EXPECT_EQ(numa_node_for(two, 0, 4, -1)->id, 0);
  EXPECT_EQ(numa_node_for(two, 1, 4, -1)->id, 0);
  EXPECT_EQ(numa_node_for(two, 2, 4, -1)->id, 1);
  EXPECT_EQ(numa_node_for(two, 0, 1, -1), nullptr);
  EXPECT_EQ(numa_node_for(two, 1, 3, -1), nullptr);
  EXPECT_EQ(numa_node_for({two[0]}, 0, 2, -1), nullptr);
  EXPECT_EQ(numa_node_for(two, 0, 4, 1)->id, 1);  // where its GPU is
}

TEST(Numa, ABoundThreadRunsWhereItWasBound) {
  const std::vector<int> cores = bound_cores();
  ASSERT_FALSE(cores.empty());
  bind_to({cores.back()});
  EXPECT_THAT(bound_cores(), ElementsAre(cores.back()));
  bind_to(cores);
  EXPECT_EQ(bound_cores(), cores);
}

}  // namespace
}  // namespace permafrost::launch
