// The key-value store that c10d wants for bringing up NCCL, kept by rank 0 and reached over MPI: unlike TCPStore it
// opens no port.
//
//   auto store = c10::make_intrusive<MpiStore>(world);
//   c10d::ProcessGroupNCCL group(store, world.rank(), world.size());
//
// Keys and values are any bytes. get() and wait() block until another rank has set the key and throw IoError after the
// store's timeout. Thread-safe. Creating it is collective; on rank 0 its destructor waits for the other ranks'.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <torch/csrc/distributed/c10d/Store.hpp>
#include <vector>

#include "distributed/communicator.h"
#include "distributed/request_server.h"

namespace permafrost::distributed {

class MpiStore : public c10d::Store {
 public:
  explicit MpiStore(const Communicator& communicator);

  c10::intrusive_ptr<c10d::Store> clone() override;
  using c10d::Store::compareSet;
  using c10d::Store::set;
  void set(const std::string& key, const std::vector<uint8_t>& value) override;
  // Sets `key` to `new_value` where its value is `expected`, or where it is unset and `expected` is empty; gives the
  // value after that (`expected` where the key stays unset).
  std::vector<uint8_t> compareSet(const std::string& key, const std::vector<uint8_t>& expected,
                                  const std::vector<uint8_t>& new_value) override;
  std::vector<uint8_t> get(const std::string& key) override;
  // The value as a decimal number plus `value`; an unset key counts as 0. Gives the sum, which is set.
  int64_t add(const std::string& key, int64_t value) override;
  bool deleteKey(const std::string& key) override;
  bool check(const std::vector<std::string>& keys) override;
  int64_t getNumKeys() override;
  void wait(const std::vector<std::string>& keys) override;
  void wait(const std::vector<std::string>& keys, const std::chrono::milliseconds& timeout) override;

 private:
  struct Shared;  // what clones have in common
  std::shared_ptr<Shared> shared_;
};

}  // namespace permafrost::distributed
