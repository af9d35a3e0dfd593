#include "data/cache/verify_cache.h"

#include <algorithm>
#include <filesystem>
#include <set>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/parallel.h"
#include "data/cache/cache_index.h"
#include "data/cache/cache_reader.h"
#include "data/cache/shard_reader.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

constexpr char kRemedy[] = ": run permafrost cache verify --repair";

// What the index says of a file, and what a complaint about it needs.
struct Expected {
  std::string directory, file;
  FileSummary summary;

  std::string path() const { return directory + "/" + file; }
  CacheProblem problem(CacheProblemKind kind, const std::string& text) const {
    return {.kind = kind, .file = file, .text = path() + ": " + text + kRemedy};
  }
};

// Nothing where the file has the bytes the index states.
std::vector<CacheProblem> check_bytes(const Expected& expected) {
  const std::string path = expected.path();
  if (!fs::is_regular_file(fs::symlink_status(path))) {
    return {expected.problem(CacheProblemKind::kMissing, "missing, or no plain file")};
  }
  const uint64_t bytes = core::file_bytes(path);
  if (bytes < expected.summary.bytes) {
    return {expected.problem(CacheProblemKind::kTruncated, std::to_string(bytes) + " bytes, expected " +
                                                               std::to_string(expected.summary.bytes) + ": truncated")};
  }
  const uint32_t crc = core::crc32c_of_file(path);
  if (bytes == expected.summary.bytes && crc == expected.summary.crc32c) return {};
  return {expected.problem(CacheProblemKind::kDamaged,
                           "CRC32C " + std::to_string(crc) + ", expected " + std::to_string(expected.summary.crc32c))};
}

// Damaged, or whole but of another cache: what it says of itself tells.
CacheProblem look_into(const Expected& expected, const CacheIndex& index, int64_t unit, CacheProblem problem) {
  try {
    const ShardReader found(expected.path());
    found.verify_records();
    if (found.key() == index.key && found.unit() == unit) return problem;
    return expected.problem(CacheProblemKind::kForeign, "a shard of another cache or unit");
  } catch (const core::Error&) {
    return problem;
  }
}

std::vector<CacheProblem> check_records(const Expected& expected, const ShardSummary& summary, const CacheIndex& index,
                                        const std::shared_ptr<const Codec>& codec) {
  try {
    const ShardReader shard(expected.path(), codec);
    require_equal(index.key, shard.key(), expected.path());
    if (shard.videos().size() != summary.videos.size()) {
      return {expected.problem(CacheProblemKind::kForeign, "other videos than the index says")};
    }
    for (int64_t row = 0; row < shard.records(); ++row) {
      if (torch::isfinite(shard.read(row).features).all().item<bool>()) continue;
      return {expected.problem(CacheProblemKind::kDamaged,
                               "record " + std::to_string(row) + " has features that are no finite numbers")};
    }
  } catch (const core::Error& error) {
    return {expected.problem(CacheProblemKind::kDamaged, error.what())};
  }
  return {};
}

// Files that no index names: of a killed build, copied in, or twice there under another name.
void check_folder(const std::string& directory, const CacheIndex& index, std::vector<CacheProblem>& problems) {
  std::set<std::string> known = {"index.json", "index.copy.json", ".lock"};
  for (const ShardSummary& shard : index.shards) known.insert(shard.file);
  for (const std::string& name : names_in(directory)) {
    if (known.contains(name)) continue;
    const Expected nothing{directory, name, {}};
    if (core::is_partial_name(name)) {
      problems.push_back(nothing.problem(CacheProblemKind::kLeftover, "left by a killed build"));
    } else if (name.ends_with(".h5")) {
      problems.push_back(nothing.problem(CacheProblemKind::kForeign, "not in the index"));
    }
  }
}

std::vector<CacheProblem> check_tables(const std::string& directory, const CacheIndex& index) {
  std::vector<CacheProblem> problems;
  if (!index.codec_tables) return problems;
  for (const char* file : {kCodecTablesFile, kCodecTablesCopy}) {
    for (CacheProblem& problem : check_bytes({directory, file, *index.codec_tables})) problems.push_back(problem);
  }
  return problems;
}

// One of the two files from the other.
void restore_tables(const std::string& directory, const FileSummary& expected) {
  const auto is_whole = [&](const char* file) { return check_bytes({directory, file, expected}).empty(); };
  const auto copy = [&](const char* from, const char* to) {
    core::publish_text(directory + "/" + to, core::read_text(directory + "/" + from, expected.bytes));
  };
  const bool is_good = is_whole(kCodecTablesFile), has_copy = is_whole(kCodecTablesCopy);
  if (!is_good && !has_copy) {
    throw core::DataError(directory + "/" + kCodecTablesFile +
                          " and its copy are damaged, and no shard can be decoded " +
                          "without: put one of them back from a backup, or build the cache again in another folder");
  }
  if (!is_good) copy(kCodecTablesCopy, kCodecTablesFile);
  if (!has_copy) copy(kCodecTablesFile, kCodecTablesCopy);
}

}  // namespace

std::vector<CacheProblem> verify_cache(const std::string& directory, const VerifyOptions& options) {
  std::vector<CacheProblem> problems = verify_cache(directory, read_index(directory), options);
  if (!has_good_copy(directory)) {
    const Expected copy{directory, "index.copy.json", {}};
    problems.push_back(copy.problem(CacheProblemKind::kDamaged, "not the bytes of index.json"));
  }
  return problems;
}

std::vector<CacheProblem> verify_cache(const std::string& directory, const CacheIndex& index,
                                       const VerifyOptions& options) {
  std::vector<CacheProblem> problems = check_tables(directory, index);
  std::shared_ptr<const Codec> codec;
  const bool has_tables = std::none_of(problems.begin(), problems.end(),
                                       [](const CacheProblem& problem) { return problem.file == kCodecTablesFile; });
  if (options.deep && has_tables) codec = open_codec(directory, index.key);
  core::parallel_in_order(
      static_cast<int64_t>(index.shards.size()), options.threads,
      [&](int64_t i) {
        const ShardSummary& shard = index.shards[i];
        const Expected expected{directory, shard.file, {shard.bytes, shard.crc32c}};
        std::vector<CacheProblem> found = check_bytes(expected);
        if (found.empty() && codec) found = check_records(expected, shard, index, codec);
        if (!found.empty() && found[0].kind == CacheProblemKind::kDamaged) {
          found[0] = look_into(expected, index, shard.unit, found[0]);
        }
        return found;
      },
      [&](int64_t, const std::vector<CacheProblem>& found) {
        problems.insert(problems.end(), found.begin(), found.end());
      });
  check_folder(directory, index, problems);
  return problems;
}

void remove_broken(const std::string& directory, const CacheIndex& index, const std::vector<CacheProblem>& problems) {
  if (problems.empty()) return;
  if (index.codec_tables) restore_tables(directory, *index.codec_tables);
  take_index_away(directory, index);
  for (const CacheProblem& problem : problems) {
    if (problem.file.ends_with(".h5")) core::remove_file(directory + "/" + problem.file);
  }
}

}  // namespace permafrost::data
