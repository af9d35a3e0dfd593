#include "data/loader/shard_stage.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <utility>

#include "core/base/error.h"
#include "core/base/log.h"

namespace permafrost::data {
namespace {

constexpr std::chrono::seconds kPatience(5);  // until a folder that another process held is asked for again
constexpr char kInstead[] = ": what is not there is read from the cache itself";

std::string gigabytes(uint64_t bytes) {
  char text[32];
  std::snprintf(text, sizeof text, "%.3g GB", static_cast<double>(bytes) / 1e9);
  return text;
}

}  // namespace

ShardStage::ShardStage(const CacheReader& cache, ShardStageOptions options)
    : cache_(cache), options_(std::move(options)), path_(StageFolder::path_in(options_.directory, cache.index())) {}

ShardStage::~ShardStage() {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

void ShardStage::fetch_ahead(ShardRequests requests) {
  PERMAFROST_CHECK(!thread_.joinable(), "fetch_ahead a second time");
  thread_ = std::thread([this, requests = std::move(requests)] {
    try {
      work(requests);
    } catch (const std::exception& error) {
      core::log_warning() << "no more shards are staged: " << error.what() << kInstead;
    }
  });
}

void ShardStage::reach(int64_t batch) {
  {
    const std::lock_guard<std::mutex> lock(mutex_);
    reached_ = std::max(reached_, batch);
  }
  changed_.notify_all();
}

core::FileDescriptor ShardStage::open(int64_t place) const {
  ++reads_;
  const ShardSummary& shard = cache_.index().shards[place];
  core::FileDescriptor fd(::open((path_ + "/" + shard.file).c_str(), O_RDONLY | O_CLOEXEC | O_NOFOLLOW));
  if (!fd.is_valid()) return fd;
  struct stat info {};
  const bool is_good = ::fstat(fd.get(), &info) == 0 && S_ISREG(info.st_mode) && info.st_uid == ::geteuid() &&
                       static_cast<uint64_t>(info.st_size) == shard.bytes;
  if (!is_good) return {};
  ++staged_reads_;
  return fd;
}

void ShardStage::reject(int64_t place) const {
  --staged_reads_;
  const std::string copy = path_ + "/" + cache_.index().shards[place].file;
  ::unlink(copy.c_str());
  if (is_told_of_copy_.exchange(true)) return;
  core::log_warning() << copy << ": the copy cannot be read, or is damaged" << kInstead << "; check the disk";
}

StageStatistics ShardStage::statistics() const {
  return {
      .reads = reads_, .staged_reads = staged_reads_, .copied_shards = copied_shards_, .copied_bytes = copied_bytes_};
}

void ShardStage::work(const ShardRequests& requests) {
  StagePlan plan(cache_.index().shards, options_.limit_bytes, requests);
  while (!is_stopping_) {
    {
      const std::lock_guard<std::mutex> lock(mutex_);
      seen_ = reached_;
    }
    plan.advance(seen_);
    if (!take_folder(plan) || !fetch_one(plan)) wait();
  }
}

// Until another batch is reached, or it is time to ask for the folder again.
void ShardStage::wait() {
  std::unique_lock<std::mutex> lock(mutex_);
  changed_.wait_for(lock, kPatience, [&] { return is_stopping_ || (folder_ && reached_ != seen_); });
}

bool ShardStage::take_folder(StagePlan& plan) {
  if (folder_) return true;
  try {
    folder_.emplace(options_.directory, cache_.index());
  } catch (const core::IoError& error) {
    if (!is_told_of_folder_) core::log_warning() << "no shards are staged for now: " << error.what() << kInstead;
    is_told_of_folder_ = true;
    return false;
  }
  const uint64_t wanted = std::min(plan.limit_bytes(), cache_.index().bytes());
  if (const uint64_t room = folder_->room_bytes(); room < wanted) {
    core::log_warning() << folder_->path() << ": " << gigabytes(wanted) << " are to be staged, the disk has "
                        << gigabytes(room) << " to give beside what stays free: staging no more than that";
    plan.set_limit(room);
  }
  return true;
}

// Whether the disk has room once the evicted copies are gone; where it has none, no more is staged than now.
bool ShardStage::has_room(StagePlan& plan, const StagePlan::Fetch& fetch) {
  uint64_t room = folder_->room_bytes();
  for (const int64_t shard : fetch.evicted) room += cache_.index().shards[shard].bytes;
  if (room >= cache_.index().shards[fetch.shard].bytes) return true;
  plan.set_limit(plan.held_bytes());
  if (!is_told_of_room_) {
    core::log_warning() << folder_->path() << ": the disk is full: no more than the " << gigabytes(plan.held_bytes())
                        << " that are there are staged" << kInstead;
  }
  is_told_of_room_ = true;
  return false;
}

// Returns whether there may be more to do at once.
bool ShardStage::fetch_one(StagePlan& plan) {
  const std::optional<StagePlan::Fetch> fetch = plan.next_fetch();
  if (!fetch) return false;
  if (!has_room(plan, *fetch)) return false;
  for (const int64_t shard : fetch->evicted) {
    folder_->remove(cache_.index().shards[shard].file);
    plan.drop(shard);
  }
  plan.hold(fetch->shard);
  copy(plan, fetch->shard);
  return true;
}

void ShardStage::copy(StagePlan& plan, int64_t place) {
  const ShardSummary& shard = cache_.index().shards[place];
  const std::string source = cache_.directory() + "/" + shard.file;
  switch (folder_->copy(source, shard, is_stopping_)) {
    case StageFolder::Copied::kWhole: {
      copied_bytes_ += shard.bytes;
      ++copied_shards_;
      const std::lock_guard<std::mutex> lock(mutex_);
      seen_ = reached_;
      break;
    }
    case StageFolder::Copied::kBadSource:
      core::log_warning() << source << ": not staged: it cannot be read, or is not what the index says: run permafrost "
                          << "cache verify";
      plan.give_up(place);
      plan.drop(place);
      return;
    case StageFolder::Copied::kStopped:
      plan.drop(place);
      return;
  }
  plan.advance(seen_);
  plan.arrive(place);
}

}  // namespace permafrost::data
