#include "launch/shard_work.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <numeric>
#include <thread>

#include "core/base/log.h"
#include "data/cache/summary_json.h"
#include "distributed/stop_signal.h"
#include "distributed/watchdog.h"
#include "distributed/work_queue.h"
#include "launch/progress.h"
#include "launch/training/run_directory.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;
using Clock = std::chrono::steady_clock;

// What a rank has made so far.
struct Done {
  int64_t clips = 0;
  uint64_t bytes = 0;

  std::string text() const { return std::to_string(clips) + " " + std::to_string(bytes); }
  static Done from(const std::string& text) {
    Done done;
    if (std::sscanf(text.c_str(), "%ld %lu", &done.clips, &done.bytes) != 2) return {};
    return done;
  }
};

// What all ranks have made, and of a line about it the end: ", 0.27 GB; ranks 52 % 48 %"
std::pair<int64_t, std::string> told(const std::vector<std::string>& reports) {
  Done all;
  std::vector<int64_t> clips;
  for (const std::string& report : reports) {
    const Done done = Done::from(report);
    clips.push_back(done.clips);
    all.clips += done.clips;
    all.bytes += done.bytes;
  }
  char bytes[40];
  std::snprintf(bytes, sizeof bytes, ", %.2f GB", static_cast<double>(all.bytes) / 1e9);
  std::string line = bytes;
  if (clips.size() == 1) return {all.clips, line};
  line += "; ranks";
  for (const int64_t share : clips) {
    line +=
        " " + std::to_string(std::lround(100.0 * static_cast<double>(share) / std::max<double>(1, all.clips))) + " %";
  }
  return {all.clips, line};
}

// Says how far all ranks are, now and then, on rank 0.
class Teller {
 public:
  Teller(std::string what, int64_t total, const distributed::WorkQueue& queue)
      : thread_([this, what = std::move(what), total, &queue] {
          Progress progress(what, total, "clips");
          std::unique_lock lock(mutex_);
          while (!ended_.wait_for(lock, Progress::interval(), [&] { return is_ended_; })) {
            const auto [clips, more] = told(queue.reports());
            progress.set(clips, more);
          }
        }) {}
  ~Teller() {
    {
      const std::lock_guard lock(mutex_);
      is_ended_ = true;
    }
    ended_.notify_all();
    thread_.join();
  }

 private:
  std::mutex mutex_;
  std::condition_variable ended_;
  bool is_ended_ = false;
  std::thread thread_;
};

// Every rank's summaries by their place, on rank 0.
std::vector<data::ShardSummary> gather(distributed::Communicator& world,
                                       const std::map<int64_t, data::ShardSummary>& mine) {
  std::vector<std::string> names;
  for (const auto& [place, shard] : mine) {
    for (const data::ShardVideo& video : shard.videos) names.push_back(video.label);
  }
  const data::LabelMap labels = data::LabelMap::sorted(std::move(names));
  json list = json::array();
  for (const auto& [place, shard] : mine) list.push_back({place, data::to_json(shard, labels)});
  std::map<int64_t, data::ShardSummary> all;
  for (const std::string& text : world.gather(json_text({{"labels", labels.names()}, {"shards", list}}, -1))) {
    const json part = json::parse(text);
    for (const json& item : part["shards"]) {
      all.emplace(item[0], data::shard_summary_from_json(item[1], "another rank", part["labels"]));
    }
  }
  std::vector<data::ShardSummary> shards;
  for (auto& [place, shard] : all) shards.push_back(std::move(shard));
  return shards;
}

}  // namespace

std::optional<std::vector<data::ShardSummary>> ShardWork::run(distributed::Communicator& world,
                                                              const Make& make) const {
  std::vector<int64_t> units(clips_.size());
  std::iota(units.begin(), units.end(), 0);
  const Clock::time_point start = Clock::now();
  const int64_t total = std::accumulate(clips_.begin(), clips_.end(), int64_t{0});
  distributed::StopSignal stop;
  distributed::Watchdog watchdog(*invocation_.session, world, stop, invocation_.settings.deadline);
  std::map<int64_t, data::ShardSummary> mine;
  Done done;
  std::vector<std::string> reports;
  {
    distributed::WorkQueue queue(world, units);
    std::optional<Teller> teller;
    if (world.is_root()) teller.emplace(what_, total, queue);
    while (const std::optional<int64_t> unit = queue.next(done.text())) {
      const GetOn get_on = [&watchdog, &unit] { watchdog.enter(distributed::Phase::kShard, *unit); };
      get_on();
      const data::ShardSummary& shard = mine[*unit] = make(*unit, get_on);
      done.clips += clips_[*unit];
      done.bytes += shard.bytes;
      if (stop.requested()) queue.close();
    }
    watchdog.enter(distributed::Phase::kShutdown, 0);  // not behind those that still have a shard
    world.barrier();
    reports = queue.reports();
  }
  if (world.is_root()) {
    const auto [clips, more] = told(reports);
    const double seconds = std::chrono::duration<double>(Clock::now() - start).count();
    core::log_info() << what_ << ": " << progress_text(clips, total, "clips", seconds) << more;
  }
  if (stop.agreed(world)) return std::nullopt;
  return gather(world, mine);
}

}  // namespace permafrost::launch
