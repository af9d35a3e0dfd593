#include <fcntl.h>
#include <sys/file.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <cerrno>
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

// Whether another holds the lock of the file. Throws IoError where it cannot be asked.
bool is_locked(const std::string& file) {
  const core::FileDescriptor fd(::open(file.c_str(), O_RDWR | O_CLOEXEC));
  if (!fd.is_valid()) throw core::io_error(file, "open");
  if (::flock(fd.get(), LOCK_EX | LOCK_NB) == 0) return false;
  if (errno != EWOULDBLOCK) throw core::io_error(file, "lock");
  return true;
}

// The folder of a check, and the lock that rank 0 holds in it meanwhile.
struct Scratch {
  explicit Scratch(const std::string& folder)
      : path(folder + "/.permafrost-doctor-" + core::host_name() + "-" + std::to_string(::getpid())), lock(path) {}
  ~Scratch() {
    std::error_code ignored;
    fs::remove_all(path, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string path;
  core::DirectoryLock lock;
};

// Whether every rank finds what rank 0 made there, and is kept out by its lock. Collective.
Finding check_lock(distributed::Communicator& world, const std::string& folder, const std::string& scratch) {
  const std::string file = world.broadcast(scratch) + "/.lock";
  bool is_there = fs::exists(file), is_kept_out = false;
  std::string error;
  try {
    is_kept_out = is_there && is_locked(file);
  } catch (const core::Error& problem) {
    error = problem.what();
  }
  const bool is_shared = world.all_reduce_max(is_there ? 0 : 1) == 0;
  const bool is_sound = world.all_reduce_max(is_kept_out ? 0 : 1) == 0;
  for (const std::string& other : world.all_gather_strings(error)) error = error.empty() ? other : error;
  if (!is_shared) {
    return {Verdict::kFix, folder + ": locks", "not the same folder on all nodes",
            "give a folder of a file system that all nodes share"};
  }
  return finding(
      is_sound, Verdict::kFix, folder + ": locks",
      is_sound        ? "keep others out, tried by ranks: " + std::to_string(world.size())
      : error.empty() ? "let others in"
                      : error,
      "mount it with locks for all nodes (Lustre: -o flock; NFS: without nolock): two jobs could write one run");
}

}  // namespace

std::vector<Finding> check_folder(distributed::Communicator& world, const std::string& folder) {
  std::vector<Finding> findings;
  std::optional<Scratch> scratch;
  std::string error;
  if (world.is_root()) {
    try {
      if (!fs::is_directory(folder)) throw core::IoError("no folder is there");
      scratch.emplace(folder);
      findings = {check_room(folder), check_speed(folder, scratch->path)};
    } catch (const core::Error& problem) {
      error = problem.what();
    }
  }
  error = world.broadcast(error);
  if (error.empty()) {
    findings.push_back(check_lock(world, folder, scratch ? scratch->path : ""));
  } else {
    findings.push_back(
        {Verdict::kFix, folder, error, "give a folder that this user may write, with room and with locks"});
  }
  world.barrier();
  return findings;
}

Finding check_link(distributed::Communicator& world) {
  constexpr int64_t kBucketBytes = int64_t{25} << 20;
  const double seconds = bench_reduce(world, torch::kCPU, kBucketBytes, /*rounds=*/5);
  const auto ranks = static_cast<double>(world.size());
  const double rate = 2 * (ranks - 1) / ranks * static_cast<double>(kBucketBytes) / seconds / 1e9;  // nccl-tests' busbw
  char text[100];
  std::snprintf(text, sizeof text, "%d ranks add up 25 MiB on processors in %.1f ms: %.2f GB/s", world.size(),
                1e3 * seconds, rate);
  return finding(rate > 0.1, Verdict::kWarn, "link of ranks", text,
                 "permafrost plan --simulate tells what that costs; OMPI_MCA_btl_tcp_if_include picks the network");
}

}  // namespace permafrost::launch
