#include "distributed/mpi_session.h"

#include <gtest/gtest.h>

#include <map>
#include <string>

namespace permafrost::distributed {
namespace {

std::optional<ExpectedRanks> expected_in(const std::map<std::string, std::string>& environment) {
  return expected_ranks([&](const char* name) -> const char* {
    const auto found = environment.find(name);
    return found == environment.end() ? nullptr : found->second.c_str();
  });
}

TEST(ExpectedRanks, AreUnknownWithoutALauncher) { EXPECT_FALSE(expected_in({}).has_value()); }

TEST(ExpectedRanks, AreThoseOfMpirunEvenInsideASlurmStep) {
  const auto ranks = expected_in({{"OMPI_COMM_WORLD_SIZE", "4"}, {"SLURM_STEP_ID", "0"}, {"SLURM_NTASKS", "1"}});
  ASSERT_TRUE(ranks.has_value());
  EXPECT_EQ(ranks->count, 4);
  EXPECT_EQ(ranks->variable, "OMPI_COMM_WORLD_SIZE");
}

TEST(ExpectedRanks, AreTheTasksOfASlurmStep) {
  const auto ranks = expected_in({{"SLURM_STEP_ID", "0"}, {"SLURM_NTASKS", "8"}});
  ASSERT_TRUE(ranks.has_value());
  EXPECT_EQ(ranks->count, 8);
}

TEST(ExpectedRanks, AreTheStepsRatherThanTheJobs) {
  const auto ranks = expected_in({{"SLURM_STEP_ID", "3"}, {"SLURM_NTASKS", "8"}, {"SLURM_STEP_NUM_TASKS", "2"}});
  ASSERT_TRUE(ranks.has_value());
  EXPECT_EQ(ranks->count, 2);
}

TEST(ExpectedRanks, AreUnknownInTheScriptOfAJob) {
  EXPECT_FALSE(expected_in({{"SLURM_JOB_ID", "17"}, {"SLURM_NTASKS", "8"}}).has_value());
  EXPECT_FALSE(expected_in({{"SLURM_STEP_ID", "4294967291"}, {"SLURM_NTASKS", "8"}}).has_value());
}

TEST(ExpectedRanks, AreUnknownWhereTheVariableIsNotANumber) {
  EXPECT_FALSE(expected_in({{"OMPI_COMM_WORLD_SIZE", "many"}}).has_value());
}

}  // namespace
}  // namespace permafrost::distributed
