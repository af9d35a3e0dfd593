#include <gtest/gtest.h>

#include <string>

#include "core/base/error.h"
#include "distributed/mpi_store.h"

namespace permafrost::distributed {
namespace {

class MpiStoreTest : public testing::Test {
 protected:
  static std::vector<uint8_t> bytes(const std::string& text) { return {text.begin(), text.end()}; }

  Communicator world_{MPI_COMM_WORLD};
  c10::intrusive_ptr<MpiStore> store_ = c10::make_intrusive<MpiStore>(world_);
};

TEST_F(MpiStoreTest, GivesEveryRankWhatAnyRankSet) {
  std::vector<uint8_t> id(128);
  for (size_t i = 0; i < id.size(); ++i) id[i] = static_cast<uint8_t>(2 * i);
  const int owner = world_.size() - 1;
  if (world_.rank() == owner) store_->set("id", id);
  EXPECT_EQ(store_->get("id"), id);
}

TEST_F(MpiStoreTest, TellsAnEmptyValueFromNone) {
  EXPECT_FALSE(store_->check({"empty"}));
  world_.barrier();
  if (world_.is_root()) store_->set("empty", bytes(""));
  store_->wait({"empty"});
  EXPECT_TRUE(store_->get("empty").empty());
}

TEST_F(MpiStoreTest, CountsEveryRankOnce) {
  store_->add("arrived", 1);
  world_.barrier();
  EXPECT_EQ(store_->add("arrived", 0), world_.size());
}

TEST_F(MpiStoreTest, LetsOneRankWin) {
  const auto mine = bytes("rank " + std::to_string(world_.rank()));
  const auto winner = store_->compareSet("winner", bytes(""), mine);
  EXPECT_EQ(store_->get("winner"), winner);
  EXPECT_EQ(store_->compareSet("winner", bytes("nobody"), mine), winner);
  EXPECT_EQ(store_->compareSet("unset", bytes("something"), mine), bytes("something"));
}

TEST_F(MpiStoreTest, ForgetsADeletedKey) {
  if (world_.is_root()) store_->set("key", bytes("value"));
  world_.barrier();
  EXPECT_EQ(store_->getNumKeys(), 1);
  world_.barrier();
  if (world_.is_root()) {
    EXPECT_TRUE(store_->deleteKey("key"));
    EXPECT_FALSE(store_->deleteKey("key"));
  }
  world_.barrier();
  EXPECT_FALSE(store_->check({"key"}));
  EXPECT_EQ(store_->getNumKeys(), 0);
}

TEST_F(MpiStoreTest, NamesTheKeyThatNeverCame) {
  try {
    store_->wait({"never"}, std::chrono::milliseconds(50));
    FAIL() << "waited for a key that nobody set, and got it";
  } catch (const core::IoError& error) {
    EXPECT_NE(std::string(error.what()).find("never"), std::string::npos) << error.what();
  }
}

TEST_F(MpiStoreTest, SharesItsTableWithAClone) {
  auto clone = store_->clone();
  if (world_.is_root()) store_->set("key", bytes("value"));
  EXPECT_EQ(clone->get("key"), bytes("value"));
}

}  // namespace
}  // namespace permafrost::distributed
