// index.json: published last, so that where it is the cache is complete (FORMAT.md, "Index").
//
//   write_index(dir, {.key = key, .labels = names, .shards = summaries});
//   CacheIndex index = read_index(dir);
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "data/cache/cache_key.h"
#include "data/cache/clip_record.h"
#include "data/cache/shard_summary.h"

namespace permafrost::data {

// Size and CRC32C of a whole file.
struct FileSummary {
  uint64_t bytes = 0;
  uint32_t crc32c = 0;

  bool operator==(const FileSummary&) const = default;
};

struct CacheIndex {
  CacheKey key;
  std::vector<std::string> labels;            // the position is the target
  std::optional<FileSummary> codec_tables{};  // of codec.safetensors, where the codec has any
  std::vector<ShardSummary> shards{};         // labels are those of now, whatever the records' own say
  std::set<std::string> removed{};            // ids taken down: no build brings them back
  // Videos that the lists name, by split: those in the shards, and those whose files were of no use (count_listed).
  std::map<std::string, int64_t> listed{};

  // Of all shards.
  std::vector<RejectedVideo> rejected() const;
  // Of every video, those included that gave no record.
  std::set<std::string> ids() const;
  int64_t records() const;
  int64_t videos() const;
  uint64_t bytes() const;
  // SHA-256 over id, label, split and views of every video, in the order of ids: equal where training sees the same.
  std::string contents_sha256() const;
};

// Publishes index.copy.json and then index.json, the same bytes. Throws IoError.
void write_index(const std::string& directory, const CacheIndex& index);

// From here on the cache is incomplete, until the next write_index(). The copy is `kept`: what to go on from after a
// kill. Throws IoError.
void take_index_away(const std::string& directory, const CacheIndex& kept);

// Throws DataError where there is no cache, or no index ("incomplete"), or where it is damaged, of another version or
// not as FORMAT.md has it.
CacheIndex read_index(const std::string& directory);
// What there is to go on from, for whoever changes, repairs or ends a cache.
struct FoundIndex {
  CacheIndex index;
  bool is_published = false;  // of index.json; else of the copy: that was damaged, or a change was killed
};
// Nothing where neither is whole, or only the copy is and there are no shards any more. Warns of what is damaged.
std::optional<FoundIndex> find_index(const std::string& directory);
bool has_copy(const std::string& directory);
// Whether the copy has the bytes of index.json.
bool has_good_copy(const std::string& directory);
// Of what lies in the folder.
std::set<std::string> names_in(const std::string& directory);
// Whether any file bears the name of a shard.
bool has_shards(const std::string& directory);
// Of the codec.safetensors that is there. Throws IoError.
FileSummary summarize_tables(const std::string& directory);
// Whether there is an index, good or bad.
bool has_index(const std::string& directory);
// Where no index can be read; the copy stays as it is. Throws IoError.
void remove_index(const std::string& directory);

// The shards that are missing or not of the size the index states, a line each. Reads no shard; verify_cache() does.
std::vector<std::string> missing_shards(const std::string& directory, const CacheIndex& index);

}  // namespace permafrost::data
