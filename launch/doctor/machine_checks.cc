#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

#include "data/video/decoders.h"
#include "launch/doctor/checks.h"
#include "launch/numa.h"

namespace permafrost::launch {
namespace {

constexpr double kGiga = 1e9;

Finding check_processor() {
  std::string features;
  bool is_wide = true;
#if defined(__x86_64__)
  is_wide = __builtin_cpu_supports("avx2") != 0;
  if (is_wide) features += ", AVX2";
  if (__builtin_cpu_supports("avx512f")) features += ", AVX-512";
  if (__builtin_cpu_supports("avx512bf16")) features += ", bf16";
#endif
  const std::string found = std::to_string(bound_cores().size()) + " cores of " +
                            std::to_string(::sysconf(_SC_NPROCESSORS_ONLN)) +
                            ", NUMA nodes: " + std::to_string(numa_nodes().size()) + features;
  return finding(is_wide, Verdict::kWarn, "processor", found,
                 "without AVX2 codecs and products are several times slower: use newer nodes");
}

Finding check_memory() {
  const double page = static_cast<double>(::sysconf(_SC_PAGESIZE));
  const double all = page * static_cast<double>(::sysconf(_SC_PHYS_PAGES));
  const double free = page * static_cast<double>(::sysconf(_SC_AVPHYS_PAGES));
  return finding(all >= 8 * kGiga, Verdict::kWarn, "memory", bytes_text(all) + ", " + bytes_text(free) + " untouched",
                 "a rank of ViT-B/16 wants 2 to 4 GB: start fewer ranks on a node");
}

Finding check_open_files() {
  constexpr rlim_t kWanted = 4096;  // a rank opens each shard that it reads
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  const std::string found = limit.rlim_cur == RLIM_INFINITY ? "unlimited" : std::to_string(limit.rlim_cur);
  const std::string remedy = limit.rlim_max >= kWanted
                                 ? "ulimit -n " + std::to_string(std::min<rlim_t>(limit.rlim_max, 65536))
                                 : "raise the hard limit (nofile in /etc/security/limits.conf)";
  return finding(limit.rlim_cur >= kWanted, Verdict::kWarn, "open files", found,
                 remedy + "   (a rank keeps the shards open that it reads)");
}

Finding check_locked_memory() {
  rlimit limit{};
  ::getrlimit(RLIMIT_MEMLOCK, &limit);
  const bool is_free = limit.rlim_cur == RLIM_INFINITY;
  const bool is_wanted = std::filesystem::exists("/dev/infiniband") || std::filesystem::exists("/dev/nvidiactl");
  return finding(is_free || !is_wanted, Verdict::kWarn, "locked memory",
                 is_free ? "unlimited" : bytes_text(static_cast<double>(limit.rlim_cur)),
                 "ulimit -l unlimited   (InfiniBand and pinned memory of GPUs want it)");
}

Finding check_shared_memory() {
  struct statvfs info {};
  if (::statvfs("/dev/shm", &info) != 0) {
    return {Verdict::kFix, "/dev/shm", "not there",
            "mount -t tmpfs tmpfs /dev/shm   (ranks of a node talk through it)"};
  }
  const double free = static_cast<double>(info.f_bavail) * static_cast<double>(info.f_frsize);
  return finding(
      free >= 1 * kGiga, Verdict::kWarn, "/dev/shm", bytes_text(free) + " free",
      "mount -o remount,size=4G /dev/shm, or start the container with --shm-size=4g: ranks of a node share it");
}

Finding check_decoders() {
  std::string found = data::decoder_library() + ":", missing;
  for (const std::string& name : {"h264", "hevc", "vp8", "vp9", "av1", "mpeg4", "mjpeg"}) {
    std::string& list = data::has_decoder(name) ? found : missing;
    list += " " + name;
  }
  return finding(missing.empty(), Verdict::kWarn, "video decoders", found + (missing.empty() ? "" : "; not" + missing),
                 "install an FFmpeg with them; videos of such codecs are rejected");
}

}  // namespace

std::string bytes_text(double bytes) {
  constexpr std::array<const char*, 5> kUnits{"bytes", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  for (; bytes >= 1000 && unit + 1 < kUnits.size(); ++unit) bytes /= 1000;
  char text[40];
  std::snprintf(text, sizeof text, bytes < 10 && unit > 0 ? "%.1f %s" : "%.0f %s", bytes, kUnits[unit]);
  return text;
}

std::vector<Finding> check_machine() {
  return {check_processor(),     check_memory(),        check_open_files(),
          check_locked_memory(), check_shared_memory(), check_decoders()};
}

}  // namespace permafrost::launch
