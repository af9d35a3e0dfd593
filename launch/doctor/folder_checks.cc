#include <fcntl.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <filesystem>
#include <optional>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/file_lock.h"
#include "launch/bench/bench_reduce.h"
#include "launch/doctor/checks.h"
#include "launch/timing.h"

namespace permafrost::launch {
namespace {

namespace fs = std::filesystem;
constexpr uint64_t kBytes = uint64_t{256} << 20;
constexpr size_t kBlockBytes = size_t{4} << 20;

Finding check_room(const std::string& folder) {
  struct statvfs info {};
  ::statvfs(folder.c_str(), &info);
  const double free = static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize);
  return finding(free > 20e9, Verdict::kWarn, folder + ": room", bytes_text(free) + " free",
                 "permafrost plan tells what a cache takes");
}

// GB/s of writing a file to the disk, and of reading it back from there.
std::pair<double, double> rates(const std::string& file) {
  std::vector<char> block(kBlockBytes, 'p');
  const Clock::time_point start = Clock::now();
  {
    const core::FileDescriptor fd = core::open_for_writing(file);
    for (uint64_t done = 0; done < kBytes; done += block.size())
      core::write_all(fd.get(), file, block.data(), block.size());
  }
  core::sync_file(file);
  const Clock::time_point written = Clock::now();
  const core::FileDescriptor fd = core::open_for_reading(file);
  ::posix_fadvise(fd.get(), 0, 0, POSIX_FADV_DONTNEED);  // not from memory, where the file system heeds that
  for (uint64_t done = 0; done < kBytes; done += block.size()) {
    core::read_exactly(fd.get(), file, block.data(), block.size(), done);
  }
  const std::chrono::duration<double> writing = written - start, reading = Clock::now() - written;
  return {static_cast<double>(kBytes) / 1e9 / writing.count(), static_cast<double>(kBytes) / 1e9 / reading.count()};
}

Finding check_speed(const std::string& folder, const std::string& scratch) {
  const auto [writes, reads] = rates(scratch + "/speed");
  char text[100];
  std::snprintf(text, sizeof text, "writes %.2f GB/s, reads %.2f GB/s", writes, reads);
  return finding(reads > 0.1 && writes > 0.05, Verdict::kWarn, folder + ": speed", text,
                 "keep caches on a faster file system, or copy shards ahead: train --stage DIR --stage-gb N");
}

bool can_lock(const std::string& directory) {
  try {
    const core::DirectoryLock lock(directory);
    return true;
  } catch (const core::Error&) {
    return false;
  }
}

// Whether nobody else gets a lock that rank 0 holds.
Finding check_lock(distributed::Communicator& world, const std::string& folder, const std::string& scratch) {
  std::optional<core::DirectoryLock> lock;
  if (world.is_root()) lock.emplace(scratch);
  world.barrier();
  const bool is_seen_by_all = world.all_reduce_max(can_lock(scratch) ? 1 : 0) == 0;
  return finding(
      is_seen_by_all, Verdict::kFix, folder + ": locks",
      is_seen_by_all ? "keep others out, tried by ranks: " + std::to_string(world.size()) : "let others in",
      "mount it with locks for all nodes (Lustre: -o flock; NFS: without nolock): two jobs could write one run");
}

}  // namespace

std::vector<Finding> check_folder(distributed::Communicator& world, const std::string& folder) {
  const std::string scratch = folder + "/.permafrost-doctor";
  std::vector<Finding> findings;
  std::string error;
  if (world.is_root()) {
    try {
      core::make_directories(scratch);
      findings = {check_room(folder), check_speed(folder, scratch)};
    } catch (const core::Error& problem) {
      error = problem.what();
    }
  }
  error = world.broadcast(error);
  if (error.empty()) {
    findings.push_back(check_lock(world, folder, scratch));
  } else {
    findings.push_back({Verdict::kFix, folder, error, "give a folder that this user may write, with room"});
  }
  world.barrier();
  std::error_code ignored;
  if (world.is_root()) fs::remove_all(scratch, ignored);
  return findings;
}

Finding check_link(distributed::Communicator& world) {
  constexpr int64_t kBucketBytes = int64_t{25} << 20;
  const double seconds = bench_reduce(world, torch::kCPU, kBucketBytes, /*rounds=*/5);
  const auto ranks = static_cast<double>(world.size());
  const double rate = 2 * (ranks - 1) / ranks * static_cast<double>(kBucketBytes) / seconds / 1e9;  // nccl-tests' busbw
  char text[100];
  std::snprintf(text, sizeof text, "%d ranks add up 25 MiB in %.1f ms: %.2f GB/s", world.size(), 1e3 * seconds, rate);
  return finding(rate > 0.1, Verdict::kWarn, "link of ranks", text,
                 "permafrost plan --simulate tells what that costs; OMPI_MCA_btl_tcp_if_include picks the network");
}

}  // namespace permafrost::launch
