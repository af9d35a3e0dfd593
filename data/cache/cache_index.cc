#include "data/cache/cache_index.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/log.h"
#include "data/cache/codec_tables.h"
#include "data/cache/json_members.h"
#include "data/cache/summary_json.h"
#include "data/dataset/label_map.h"

namespace permafrost::data {
namespace {

using nlohmann::json;

constexpr char kFormat[] = "permafrost cache index";
constexpr uint64_t kIndexLimitBytes = uint64_t{1} << 30;

std::string index_path(const std::string& directory) { return directory + "/index.json"; }
std::string copy_path(const std::string& directory) { return directory + "/index.copy.json"; }

json totals_json(const CacheIndex& index) {
  return {{"shards", index.shards.size()},
          {"videos", index.videos()},
          {"records", index.records()},
          {"bytes", index.bytes()},
          {"rejected", index.rejected().size()}};
}

json tables_json(const CacheIndex& index) {
  if (!index.codec_tables) return nullptr;
  return {{"bytes", index.codec_tables->bytes}, {"crc32c", index.codec_tables->crc32c}};
}

json index_json(const CacheIndex& index) {
  const LabelMap labels(index.labels);
  json shards = json::array();
  for (const ShardSummary& shard : index.shards) shards.push_back(to_json(shard, labels));
  return {{"format", kFormat},
          {"format_version", kCacheFormatVersion},
          {"key", to_json(index.key)},
          {"labels", index.labels},
          {"codec_tables", tables_json(index)},
          {"shards", shards},
          {"totals", totals_json(index)},
          {"removed", index.removed},
          {"listed", index.listed}};
}

std::vector<std::string> labels_from_json(const JsonMembers& members) {
  std::vector<std::string> labels;
  for (const json& label : members.list("labels")) {
    members.require(label.is_string(), "a label is no text");
    labels.push_back(label.get<std::string>());
  }
  LabelMap{labels};  // throws for a name that is there twice
  return labels;
}

json parse_index(const std::string& path) {
  const json object = json::parse(core::read_text(path, kIndexLimitBytes), nullptr, /*allow_exceptions=*/false);
  const std::string remedy = ": run cache build again";
  if (!object.is_object() || object.value("format", json()) != json(kFormat)) {
    throw core::DataError(path + ": damaged, or no cache index" + remedy);
  }
  const json version = object.value("format_version", json());
  if (version != json(kCacheFormatVersion)) {
    throw core::DataError(path + ": format version " + version.dump() + ", expected " +
                          std::to_string(kCacheFormatVersion) + remedy + " with this program");
  }
  json contents = object;
  contents.erase("sha256");
  if (object.value("sha256", json()) != json(core::sha256_hex(contents.dump()))) {
    throw core::DataError(path + ": damaged: its SHA-256 is not the one it states" + remedy);
  }
  return object;
}

}  // namespace

std::vector<RejectedVideo> CacheIndex::rejected() const {
  std::vector<RejectedVideo> all;
  for (const ShardSummary& shard : shards) all.insert(all.end(), shard.rejected.begin(), shard.rejected.end());
  return all;
}

std::set<std::string> CacheIndex::ids() const {
  std::set<std::string> ids;
  for (const ShardSummary& shard : shards) {
    for (const ShardVideo& video : shard.videos) ids.insert(video.id);
    for (const RejectedVideo& video : shard.rejected) ids.insert(video.video_id);
  }
  return ids;
}

int64_t CacheIndex::records() const {
  int64_t total = 0;
  for (const ShardSummary& shard : shards) total += shard.records();
  return total;
}

int64_t CacheIndex::videos() const {
  int64_t total = 0;
  for (const ShardSummary& shard : shards) total += static_cast<int64_t>(shard.videos.size());
  return total;
}

std::string CacheIndex::contents_sha256() const {
  std::map<std::string, const ShardVideo*> by_id;
  for (const ShardSummary& shard : shards) {
    for (const ShardVideo& video : shard.videos) by_id.emplace(video.id, &video);
  }
  core::Sha256 sha;
  for (const auto& [id, video] : by_id) {
    sha.update(id + "\t" + video->label + "\t" + video->split + "\t" + std::to_string(video->views) + "\n");
  }
  for (const std::string& label : labels) sha.update(label + "\n");
  return sha.hex();
}

uint64_t CacheIndex::bytes() const {
  uint64_t total = 0;
  for (const ShardSummary& shard : shards) total += shard.bytes;
  return total;
}

FileSummary summarize_tables(const std::string& directory) {
  const std::string path = directory + "/" + kCodecTablesFile;
  return {core::file_bytes(path), core::crc32c_of_file(path)};
}

bool has_index(const std::string& directory) { return std::filesystem::exists(index_path(directory)); }

void remove_index(const std::string& directory) {
  core::remove_file(index_path(directory));
  core::sync_file(directory);  // before any shard is written anew
}

std::vector<std::string> missing_shards(const std::string& directory, const CacheIndex& index) {
  std::vector<std::string> missing;
  for (const ShardSummary& shard : index.shards) {
    const std::string path = directory + "/" + shard.file;
    std::error_code error;
    const uint64_t bytes = std::filesystem::file_size(path, error);
    if (error) {
      missing.push_back(path + ": " + error.message());
    } else if (bytes != shard.bytes) {
      missing.push_back(path + ": " + std::to_string(bytes) + " bytes, expected " + std::to_string(shard.bytes));
    }
  }
  return missing;
}

namespace {

std::string index_text(const CacheIndex& index) {
  json object = index_json(index);
  object["sha256"] = core::sha256_hex(object.dump());
  return object.dump() + "\n";
}

}  // namespace

void take_index_away(const std::string& directory, const CacheIndex& kept) {
  core::publish_text(copy_path(directory), index_text(kept));
  remove_index(directory);
}

void write_index(const std::string& directory, const CacheIndex& index) {
  const std::string text = index_text(index);
  core::publish_text(copy_path(directory), text);
  core::publish_text(index_path(directory), text);
}

namespace {

CacheIndex read_index_file(const std::string& path) {
  const json object = parse_index(path);
  const JsonMembers members(object, path, 10);
  CacheIndex index;
  index.key = cache_key_from_json(members.at("key"), path);
  index.labels = labels_from_json(members);
  if (const json& tables = members.at("codec_tables"); !tables.is_null()) {
    const JsonMembers file(tables, path, 2);
    index.codec_tables = {file.count("bytes"), static_cast<uint32_t>(file.count("crc32c", UINT32_MAX))};
  }
  members.require(index.codec_tables.has_value() == !index.key.codec.tables_sha256.empty(),
                  "'codec_tables' are not those of the key's codec");
  std::set<int64_t> units;
  for (const json& shard : members.list("shards")) {
    index.shards.push_back(shard_summary_from_json(shard, path, index.labels));
    members.require(units.insert(index.shards.back().unit).second, "it names a unit twice");
  }
  for (const json& id : members.list("removed")) {
    members.require(id.is_string(), "a removed video is no text");
    index.removed.insert(id.get<std::string>());
  }
  for (const auto& [split, count] : members.at("listed").items()) {
    members.require(count.is_number_unsigned(), "'listed' is no count of videos by split");
    index.listed[split] = count.get<int64_t>();
  }
  members.require(members.at("totals") == totals_json(index), "'totals' is not the sum of its shards");
  return index;
}

}  // namespace

CacheIndex read_index(const std::string& directory) {
  const std::string path = index_path(directory);
  if (!std::filesystem::is_directory(directory)) {
    throw core::DataError(directory + ": expected the folder of a cache, found none: give another one, or build it");
  }
  if (!std::filesystem::exists(path)) {
    throw core::DataError(path + ": there is none, so the cache is incomplete: run cache build again");
  }
  return read_index_file(path);
}

std::optional<FoundIndex> find_index(const std::string& directory) {
  try {
    if (has_index(directory)) return FoundIndex{read_index(directory), true};
  } catch (const core::DataError& error) {
    core::log_warning() << error.what();
  }
  if (!has_copy(directory) || !has_shards(directory)) return std::nullopt;
  try {
    FoundIndex found{read_index_file(copy_path(directory)), false};
    core::log_warning() << directory << ": going on from " << copy_path(directory);
    return found;
  } catch (const core::DataError& error) {
    core::log_warning() << error.what();
    return std::nullopt;
  }
}

bool has_copy(const std::string& directory) { return std::filesystem::exists(copy_path(directory)); }

std::set<std::string> names_in(const std::string& directory) {
  std::set<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(directory)) {
    names.insert(entry.path().filename().string());
  }
  return names;
}

bool has_shards(const std::string& directory) {
  const std::set<std::string> names = names_in(directory);
  return std::any_of(names.begin(), names.end(),
                     [](const std::string& name) { return name.starts_with("shard-") && name.ends_with(".h5"); });
}

bool has_good_copy(const std::string& directory) {
  return std::filesystem::exists(copy_path(directory)) && core::read_text(copy_path(directory), kIndexLimitBytes) ==
                                                              core::read_text(index_path(directory), kIndexLimitBytes);
}

}  // namespace permafrost::data
