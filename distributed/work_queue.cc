#include "distributed/work_queue.h"

#include <string>
#include <utility>

namespace permafrost::distributed {
namespace {

const std::string kNext = "next ";
const std::string kClose = "close";

}  // namespace

WorkQueue::WorkQueue(const Communicator& communicator, std::vector<int64_t> units)
    : units_(std::move(units)),
      is_busy_(static_cast<size_t>(communicator.size())),
      reports_(static_cast<size_t>(communicator.size())),
      server_(communicator, [this](const std::string& question, int rank) { return answer(question, rank); }) {}

std::optional<int64_t> WorkQueue::next(const std::string& report) {
  const std::string unit = server_.ask(kNext + report);
  if (unit.empty()) return std::nullopt;
  return std::stoll(unit);
}

std::vector<std::string> WorkQueue::reports() const {
  const std::lock_guard lock(reports_mutex_);
  return reports_;
}

void WorkQueue::close() { server_.ask(kClose); }

std::string WorkQueue::answer(const std::string& question, int rank) {
  if (question == kClose) {
    handed_out_ = units_.size();
    return "";
  }
  {
    const std::lock_guard lock(reports_mutex_);
    reports_[rank] = question.substr(kNext.size());
  }
  if (is_busy_[rank]) ++finished_;
  is_busy_[rank] = handed_out_ < units_.size();
  return is_busy_[rank] ? std::to_string(units_[handed_out_++]) : "";
}

}  // namespace permafrost::distributed
