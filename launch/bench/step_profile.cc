#include "launch/bench/step_profile.h"

#include <ATen/SequenceNumber.h>

#include <algorithm>
#include <iterator>
#include <map>
#include <utility>

#include "launch/timing.h"

namespace permafrost::launch {
namespace {

struct Frame {
  std::string part;
  Clock::time_point start;
  double inner_seconds = 0;  // of what was called from here
};

struct Totals {
  int64_t calls = 0;
  double seconds = 0;
};

// Callbacks are plain functions, so what they fill is the thread's.
struct Record {
  std::vector<Frame> stack;
  std::map<int64_t, std::string> parts;  // of autograd's nodes: from this sequence number on
  std::map<std::pair<std::string, std::string>, Totals> totals;

  std::string part() const { return stack.empty() ? "" : stack.back().part; }
};
thread_local Record record;

std::string part_of(const at::RecordFunction& function) {
  if (function.scope() == at::RecordScope::USER_SCOPE) return function.name();
  if (function.scope() == at::RecordScope::BACKWARD_FUNCTION && function.seqNr() >= 0) {
    const auto next = record.parts.upper_bound(function.seqNr());
    if (next != record.parts.begin()) return std::prev(next)->second;
  }
  return record.part();
}

// Within a node that does its own forward and backward, a scope is of what runs in it alone.
bool marks_nodes(const at::RecordFunction& function) {
  return function.scope() == at::RecordScope::USER_SCOPE && at::GradMode::is_enabled();
}

std::unique_ptr<at::ObserverContext> begin(const at::RecordFunction& function) {
  const std::string part = part_of(function);
  if (marks_nodes(function)) record.parts[at::sequence_number::peek()] = part;
  record.stack.push_back({part, Clock::now()});
  return nullptr;
}

void end(const at::RecordFunction& function, at::ObserverContext* /*context*/) {
  const Frame frame = std::move(record.stack.back());
  record.stack.pop_back();
  if (marks_nodes(function)) record.parts[at::sequence_number::peek()] = record.part();
  const double seconds = seconds_since(frame.start);
  if (!record.stack.empty()) record.stack.back().inner_seconds += seconds;
  Totals& totals = record.totals[{frame.part, function.name()}];
  ++totals.calls;
  totals.seconds += seconds - frame.inner_seconds;
}

}  // namespace

StepProfile::StepProfile() {
  record = {};
  handle_ = at::addThreadLocalCallback(
      at::RecordFunctionCallback(&begin, &end)
          .scopes({at::RecordScope::FUNCTION, at::RecordScope::BACKWARD_FUNCTION, at::RecordScope::USER_SCOPE}));
}

StepProfile::~StepProfile() { at::removeCallback(handle_); }

std::vector<ProfileRow> StepProfile::rows() const {
  std::vector<ProfileRow> rows;
  for (const auto& [name, totals] : record.totals)
    rows.push_back({name.first, name.second, totals.calls, totals.seconds});
  std::sort(rows.begin(), rows.end(), [](const auto& a, const auto& b) { return a.seconds > b.seconds; });
  return rows;
}

}  // namespace permafrost::launch
