#include "distributed/mpi_store.h"

#include <algorithm>
#include <thread>

#include "core/base/error.h"
#include "distributed/backoff.h"

namespace permafrost::distributed {
namespace {

using Bytes = std::vector<uint8_t>;

// What the first byte of a question asks for. An answer starts with kYes or kNo.
constexpr char kSet = 's', kGet = 'g', kAdd = 'a', kDelete = 'd', kCompareSet = 'c', kCount = 'n';
constexpr char kYes = 'y', kNo = 'n';

// Ranks look again for a key that is not there yet this often.
constexpr std::chrono::microseconds kLongestPause(20000);

// Each field as its length in 8 bytes and its content.
std::string join(char verb, const std::vector<std::string>& fields) {
  std::string text(1, verb);
  for (const std::string& field : fields) {
    const uint64_t bytes = field.size();
    text.append(reinterpret_cast<const char*>(&bytes), sizeof bytes);
    text += field;
  }
  return text;
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> fields;
  for (size_t at = 1; at < text.size();) {
    uint64_t bytes = 0;
    std::copy_n(text.data() + at, sizeof bytes, reinterpret_cast<char*>(&bytes));
    at += sizeof bytes;
    fields.push_back(text.substr(at, bytes));
    at += bytes;
  }
  return fields;
}

std::string text_of(const Bytes& bytes) { return std::string(bytes.begin(), bytes.end()); }
Bytes bytes_of(const std::string& text, size_t from = 0) {
  return Bytes(text.begin() + static_cast<ptrdiff_t>(from), text.end());
}
std::string yes(const std::string& value = "") { return kYes + value; }
std::string no() { return std::string(1, kNo); }

// Rank 0's side: one call at a time.
class Table {
 public:
  std::string answer(const std::string& question) {
    const std::vector<std::string> fields = split(question);
    switch (question.front()) {
      case kSet:
        values_[fields[0]] = fields[1];
        return yes();
      case kGet:
        return get(fields[0]);
      case kAdd:
        return add(fields[0], std::stoll(fields[1]));
      case kDelete:
        return values_.erase(fields[0]) > 0 ? yes() : no();
      case kCompareSet:
        return compare_set(fields[0], fields[1], fields[2]);
      case kCount:
        return yes(std::to_string(values_.size()));
      default:
        return no();
    }
  }

 private:
  std::string get(const std::string& key) {
    const auto found = values_.find(key);
    return found == values_.end() ? no() : yes(found->second);
  }

  std::string add(const std::string& key, int64_t value) {
    std::string& sum = values_[key];
    sum = std::to_string((sum.empty() ? 0 : std::atoll(sum.c_str())) + value);
    return yes(sum);
  }

  std::string compare_set(const std::string& key, const std::string& expected, const std::string& new_value) {
    const auto found = values_.find(key);
    if (found == values_.end() && !expected.empty()) return yes(expected);
    if (found != values_.end() && found->second != expected) return yes(found->second);
    values_[key] = new_value;
    return yes(new_value);
  }

  std::map<std::string, std::string> values_;
};

}  // namespace

struct MpiStore::Shared {
  explicit Shared(const Communicator& communicator)
      : server(communicator, [this](const std::string& question, int) { return table.answer(question); }) {}

  Table table;
  RequestServer server;  // last: its thread uses the table until it ends
};

MpiStore::MpiStore(const Communicator& communicator) : shared_(std::make_shared<Shared>(communicator)) {}

c10::intrusive_ptr<c10d::Store> MpiStore::clone() { return c10::make_intrusive<MpiStore>(*this); }

void MpiStore::set(const std::string& key, const Bytes& value) {
  shared_->server.ask(join(kSet, {key, text_of(value)}));
}

Bytes MpiStore::compareSet(const std::string& key, const Bytes& expected, const Bytes& new_value) {
  return bytes_of(shared_->server.ask(join(kCompareSet, {key, text_of(expected), text_of(new_value)})), 1);
}

Bytes MpiStore::get(const std::string& key) {
  wait({key});
  return bytes_of(shared_->server.ask(join(kGet, {key})), 1);
}

int64_t MpiStore::add(const std::string& key, int64_t value) {
  return std::stoll(shared_->server.ask(join(kAdd, {key, std::to_string(value)})).substr(1));
}

bool MpiStore::deleteKey(const std::string& key) { return shared_->server.ask(join(kDelete, {key})).front() == kYes; }

bool MpiStore::check(const std::vector<std::string>& keys) {
  return std::all_of(keys.begin(), keys.end(),
                     [this](const std::string& key) { return shared_->server.ask(join(kGet, {key})).front() == kYes; });
}

int64_t MpiStore::getNumKeys() { return std::stoll(shared_->server.ask(join(kCount, {})).substr(1)); }

void MpiStore::wait(const std::vector<std::string>& keys) { wait(keys, getTimeout()); }

void MpiStore::wait(const std::vector<std::string>& keys, const std::chrono::milliseconds& timeout) {
  const auto deadline = std::chrono::steady_clock::now() + timeout;
  Backoff backoff(kLongestPause);
  while (!check(keys)) {
    if (timeout != kNoTimeout && std::chrono::steady_clock::now() >= deadline) {
      throw core::IoError("MpiStore: no rank has set " + keys.front() + " in " + std::to_string(timeout.count()) +
                          " ms: see what stopped the other ranks");
    }
    backoff.pause();
  }
}

}  // namespace permafrost::distributed
