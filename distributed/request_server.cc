#include "distributed/request_server.h"

#include <utility>

#include "core/base/log.h"
#include "distributed/backoff.h"

namespace permafrost::distributed {
namespace {

enum Tag : int { kQuestion = 1, kAnswer = 2, kGoodbye = 3 };

// Long idle times are normal (the store is used in the first seconds only), and nobody waits for the last millisecond.
constexpr std::chrono::microseconds kLongestPause(2000);

// Questions and answers are short: MPI copies them out at once.
void send_text(MPI_Comm communicator, int to, Tag tag, const std::string& text) {
  std::vector<MPI_Request> requests(1, MPI_REQUEST_NULL);
  MPI_TRY(MPI_Isend(text.data(), static_cast<int>(text.size()), MPI_BYTE, to, tag, communicator, requests.data()));
  wait_for(requests);
}

struct Message {
  int source;
  int tag;
  std::string text;
};

bool receive_if_there(MPI_Comm communicator, int source, int tag, Message* message) {
  int is_there = 0;
  MPI_Message handle = MPI_MESSAGE_NULL;
  MPI_Status status;
  MPI_TRY(MPI_Improbe(source, tag, communicator, &is_there, &handle, &status));
  if (!is_there) return false;
  int bytes = 0;
  MPI_TRY(MPI_Get_count(&status, MPI_BYTE, &bytes));
  message->source = status.MPI_SOURCE;
  message->tag = status.MPI_TAG;
  message->text.resize(static_cast<size_t>(bytes));
  std::vector<MPI_Request> requests(1, MPI_REQUEST_NULL);
  MPI_TRY(MPI_Imrecv(message->text.data(), bytes, MPI_BYTE, &handle, requests.data()));
  wait_for(requests);
  return true;
}

}  // namespace

RequestServer::RequestServer(const Communicator& parent, Handler handler)
    : communicator_(parent.duplicate()), handler_(std::move(handler)) {
  if (communicator_.is_root() && communicator_.size() > 1) thread_ = std::thread([this] { serve(); });
}

RequestServer::~RequestServer() {
  if (thread_.joinable()) {
    if (std::uncaught_exceptions() > 0) is_abandoned_ = true;
    thread_.join();
  } else if (!communicator_.is_root()) {
    try {
      send_text(communicator_.get(), 0, kGoodbye, "");
    } catch (const std::exception& error) {
      core::log_error() << error.what();
    }
  }
}

void RequestServer::serve() {
  int ranks_left = communicator_.size() - 1;
  Backoff backoff(kLongestPause);
  try {
    while (ranks_left > 0 && !is_abandoned_) {
      if (serve_one(&ranks_left)) {
        backoff.reset();
      } else {
        backoff.pause();
      }
    }
  } catch (const std::exception& error) {
    core::log_error() << "rank 0 stopped answering: " << error.what();
    const std::lock_guard lock(mutex_);
    failure_ = std::current_exception();
  }
}

bool RequestServer::serve_one(int* ranks_left) {
  Message message;
  if (!receive_if_there(communicator_.get(), MPI_ANY_SOURCE, MPI_ANY_TAG, &message)) return false;
  if (message.tag == kGoodbye) {
    --*ranks_left;
    return true;
  }
  std::string answer;
  {
    const std::lock_guard lock(mutex_);
    answer = handler_(message.text, message.source);
  }
  send_text(communicator_.get(), message.source, kAnswer, answer);
  return true;
}

std::string RequestServer::ask(const std::string& question) {
  const std::lock_guard lock(mutex_);
  if (!communicator_.is_root()) return ask_rank_0(question);
  if (failure_) std::rethrow_exception(failure_);
  return handler_(question, 0);
}

std::string RequestServer::ask_rank_0(const std::string& question) {
  send_text(communicator_.get(), 0, kQuestion, question);
  Message message;
  Backoff backoff;
  while (!receive_if_there(communicator_.get(), 0, kAnswer, &message)) backoff.pause();
  return std::move(message.text);
}

}  // namespace permafrost::distributed
