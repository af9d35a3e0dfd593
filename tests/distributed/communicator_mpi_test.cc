#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/base/error.h"
#include "distributed/communicator.h"
#include "distributed/stop_signal.h"

namespace permafrost::distributed {
namespace {

class CommunicatorTest : public testing::Test {
 protected:
  // Of odd length, with zero bytes, different on every rank, empty on rank 0.
  static std::string text_of(int rank) {
    std::string text(static_cast<size_t>(rank) * 1001, static_cast<char>('a' + rank));
    if (rank > 0) text[static_cast<size_t>(rank)] = '\0';
    return text;
  }
  std::vector<std::string> all_texts() const {
    std::vector<std::string> texts;
    for (int rank = 0; rank < world_.size(); ++rank) texts.push_back(text_of(rank));
    return texts;
  }

  Communicator world_{MPI_COMM_WORLD};
};

TEST_F(CommunicatorTest, BroadcastsTextsOfAnyLengthFromAnyRank) {
  const std::string texts[] = {"", "x", std::string("a\0b", 3), std::string((1 << 20) + 3, 'z')};
  for (int root = 0; root < world_.size(); ++root) {
    for (const std::string& text : texts) {
      const std::string mine = world_.rank() == root ? text : "what the others pass does not count";
      EXPECT_TRUE(world_.broadcast(mine, root) == text) << "root " << root << ", " << text.size() << " bytes";
    }
  }
}

TEST_F(CommunicatorTest, GathersInOrderOfRankOnTheRootAlone) {
  for (int root = 0; root < world_.size(); ++root) {
    const auto texts = world_.gather(text_of(world_.rank()), root);
    EXPECT_TRUE(texts == (world_.rank() == root ? all_texts() : std::vector<std::string>())) << "root " << root;
  }
}

TEST_F(CommunicatorTest, GathersEmptyTexts) {
  EXPECT_EQ(world_.all_gather_strings(""), std::vector<std::string>(static_cast<size_t>(world_.size())));
}

TEST_F(CommunicatorTest, GathersTheSameOnEveryRank) {
  EXPECT_TRUE(world_.all_gather_strings(text_of(world_.rank())) == all_texts());
}

TEST_F(CommunicatorTest, SumsElementByElement) {
  const int size = world_.size();
  const std::vector<double> sums = world_.all_reduce_sum({1.0, static_cast<double>(world_.rank()), -0.5});
  EXPECT_EQ(sums, (std::vector<double>{1.0 * size, size * (size - 1) / 2.0, -0.5 * size}));
  EXPECT_TRUE(world_.all_reduce_sum({}).empty());
}

TEST_F(CommunicatorTest, SumsToTheSameBitsOnEveryRank) {
  std::vector<double> values;
  for (int i = 0; i < 1000; ++i) values.push_back(1.0 / (1 + i + 7919.0 * world_.rank()));
  const std::vector<double> sums = world_.all_reduce_sum(values);
  const std::string bits(reinterpret_cast<const char*>(sums.data()), sums.size() * sizeof(double));
  for (const std::string& other : world_.all_gather_strings(bits)) EXPECT_TRUE(other == bits);
}

TEST_F(CommunicatorTest, FindsTheLargest) {
  EXPECT_EQ(world_.all_reduce_max(world_.rank() - 100), world_.size() - 101);
  EXPECT_EQ(world_.all_reduce_max(world_.rank() == 0 ? int64_t{1} << 60 : 0), int64_t{1} << 60);
}

TEST_F(CommunicatorTest, KeepsTheMessagesOfADuplicateApart) {
  Communicator copy = world_.duplicate();
  EXPECT_EQ(copy.rank(), world_.rank());
  EXPECT_EQ(copy.size(), world_.size());
  EXPECT_EQ(copy.broadcast(copy.is_root() ? "copy" : ""), "copy");
  EXPECT_EQ(world_.broadcast(world_.is_root() ? "world" : ""), "world");
}

TEST_F(CommunicatorTest, ReportsTheCallAndTheTextOfMpi) {
  try {
    world_.broadcast("text", world_.size());
    FAIL() << "a root outside the group was accepted";
  } catch (const core::IoError& error) {
    const std::string message = error.what();
    EXPECT_NE(message.find("rank " + std::to_string(world_.rank()) + ": MPI_Ibcast"), std::string::npos) << message;
    EXPECT_NE(message.find("MPI_ERR_ROOT"), std::string::npos) << message;
    EXPECT_NE(message.find("(distributed/communicator.cc:"), std::string::npos) << message;
  }
}

TEST_F(CommunicatorTest, NoRankPassesABarrierBeforeTheLastArrives) {
  // Rank 0 tells the others before it enters: who leaves the barrier must have been told.
  const int size = world_.size();
  std::vector<MPI_Request> requests;
  for (int other = 1; world_.is_root() && other < size; ++other) {
    requests.push_back(MPI_REQUEST_NULL);
    MPI_TRY(MPI_Isend(nullptr, 0, MPI_BYTE, other, 9, world_.get(), &requests.back()));
  }
  world_.barrier();
  if (!world_.is_root()) {
    int is_told = 0;
    for (int look = 0; look < 1000 && !is_told; ++look) {
      MPI_TRY(MPI_Iprobe(0, 9, world_.get(), &is_told, MPI_STATUS_IGNORE));
    }
    EXPECT_TRUE(is_told);
    MPI_TRY(MPI_Recv(nullptr, 0, MPI_BYTE, 0, 9, world_.get(), MPI_STATUS_IGNORE));
  }
  wait_for(requests);
}

TEST_F(CommunicatorTest, EveryRankStopsWhenOneWasAsked) {
  StopSignal stop;
  EXPECT_FALSE(stop.agreed(world_));
  if (world_.rank() == world_.size() - 1) std::raise(SIGUSR2);
  EXPECT_EQ(stop.requested(), world_.rank() == world_.size() - 1);
  EXPECT_TRUE(stop.agreed(world_));
}

}  // namespace
}  // namespace permafrost::distributed
