// Questions to rank 0, answered by a thread there, so that rank 0 can work meanwhile.
//
//   RequestServer server(world, [&](const std::string& question, int rank) { return answer(question); });
//   const std::string answer = server.ask("next");       // on any rank; on rank 0 a local call
//
// The work queue and the store that carries NCCL's id are built on it. Throws IoError with MPI's text.
#pragma once

#include <atomic>
#include <exception>
#include <functional>
#include <mutex>
#include <string>
#include <thread>

#include "distributed/communicator.h"

namespace permafrost::distributed {

class RequestServer {
 public:
  // Runs on rank 0 only, one call at a time, so it needs no lock of its own. Must not throw.
  using Handler = std::function<std::string(const std::string& question, int rank)>;

  // Collective. `handler` is ignored elsewhere than on rank 0.
  RequestServer(const Communicator& parent, Handler handler);
  // On rank 0 waits until every other rank's server object is gone; unless an exception unwinds, as then the job ends.
  ~RequestServer();
  RequestServer(const RequestServer&) = delete;
  RequestServer& operator=(const RequestServer&) = delete;

  // From any thread. On rank 0 throws what stopped the serving thread, if something did.
  std::string ask(const std::string& question);

  int rank() const { return communicator_.rank(); }
  int size() const { return communicator_.size(); }

 private:
  void serve();
  // Receives at most one message; false where there was none.
  bool serve_one(int* ranks_left);
  std::string ask_rank_0(const std::string& question);

  Communicator communicator_;
  Handler handler_;
  std::mutex mutex_;  // on rank 0 around the handler, elsewhere around one question and its answer
  std::exception_ptr failure_;
  std::atomic<bool> is_abandoned_ = false;
  std::thread thread_;
};

}  // namespace permafrost::distributed
