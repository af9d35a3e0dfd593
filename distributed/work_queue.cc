#include "distributed/work_queue.h"

#include <string>
#include <utility>

namespace permafrost::distributed {
namespace {

const char* const kNext = "next";
const char* const kClose = "close";

}  // namespace

WorkQueue::WorkQueue(const Communicator& communicator, std::vector<int64_t> units)
    : units_(std::move(units)),
      server_(communicator, [this](const std::string& question, int) { return answer(question); }) {}

std::optional<int64_t> WorkQueue::next() {
  const std::string unit = server_.ask(kNext);
  if (unit.empty()) return std::nullopt;
  return std::stoll(unit);
}

void WorkQueue::close() { server_.ask(kClose); }

std::string WorkQueue::answer(const std::string& question) {
  if (question == kClose) handed_out_ = units_.size();
  return handed_out_ < units_.size() ? std::to_string(units_[handed_out_++]) : "";
}

}  // namespace permafrost::distributed
