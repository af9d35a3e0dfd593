#include <algorithm>
#include <filesystem>
#include <set>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "data/cache/cache_index.h"
#include "data/cache/shard_reader.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

constexpr char kRemedy[] = ": delete it and run cache build again";

void check_shard(const std::string& directory, const CacheIndex& index, const ShardSummary& shard,
                 std::vector<CacheProblem>& problems) {
  const std::string path = directory + "/" + shard.file;
  const auto report = [&](CacheProblemKind kind, const std::string& text) {
    problems.push_back({.kind = kind, .file = shard.file, .text = path + ": " + text});
  };
  if (!fs::is_regular_file(path)) return report(CacheProblemKind::kMissing, "missing: run cache build again");
  const uint64_t bytes = core::file_bytes(path);
  if (bytes < shard.bytes) {
    return report(CacheProblemKind::kTruncated,
                  std::to_string(bytes) + " bytes, expected " + std::to_string(shard.bytes) + ": truncated" + kRemedy);
  }
  const uint32_t crc = core::crc32c_of_file(path);
  if (bytes == shard.bytes && crc == shard.crc32c) return;
  // Damaged, or whole but of another cache: what it says of itself tells.
  try {
    const ShardReader found(path);
    found.verify_records();
    const bool is_ours = found.key() == index.key && found.unit() == shard.unit;
    report(is_ours ? CacheProblemKind::kDamaged : CacheProblemKind::kForeign,
           (is_ours ? "damaged outside its records" : "a shard of another cache or unit") + std::string(": CRC32C ") +
               std::to_string(crc) + ", expected " + std::to_string(shard.crc32c) + kRemedy);
  } catch (const core::Error& error) {
    report(CacheProblemKind::kDamaged,
           "CRC32C " + std::to_string(crc) + ", expected " + std::to_string(shard.crc32c) + " (" + error.what() + ")");
  }
}

bool is_leftover(const std::string& name) { return name.find(".partial-") != std::string::npos; }

void check_folder(const std::string& directory, const CacheIndex& index, std::vector<CacheProblem>& problems) {
  std::set<std::string> known = {"index.json"};
  for (const ShardSummary& shard : index.shards) known.insert(shard.file);
  std::vector<std::string> names;
  for (const fs::directory_entry& entry : fs::directory_iterator(directory)) {
    names.push_back(entry.path().filename().string());
  }
  std::sort(names.begin(), names.end());
  for (const std::string& name : names) {
    if (known.contains(name)) continue;
    if (is_leftover(name)) {
      problems.push_back({.kind = CacheProblemKind::kLeftover,
                          .file = name,
                          .text = directory + "/" + name + ": left by a killed build: delete it"});
    } else if (name.ends_with(".h5")) {
      problems.push_back({.kind = CacheProblemKind::kForeign,
                          .file = name,
                          .text = directory + "/" + name + ": not in the index: delete it"});
    }
  }
}

}  // namespace

std::vector<CacheProblem> verify_cache(const std::string& directory) {
  const CacheIndex index = read_index(directory);
  std::vector<CacheProblem> problems;
  for (const ShardSummary& shard : index.shards) check_shard(directory, index, shard, problems);
  check_folder(directory, index, problems);
  return problems;
}

}  // namespace permafrost::data
