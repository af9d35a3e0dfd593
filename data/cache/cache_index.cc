#include "data/cache/cache_index.h"

#include <filesystem>
#include <nlohmann/json.hpp>
#include <set>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "data/cache/rejected_json.h"
#include "data/dataset/label_map.h"

namespace permafrost::data {
namespace {

using nlohmann::json;

constexpr char kFormat[] = "permafrost cache index";
constexpr uint64_t kIndexLimitBytes = uint64_t{1} << 30;

std::string index_path(const std::string& directory) { return directory + "/index.json"; }

json totals_json(const CacheIndex& index) {
  return {{"shards", index.shards.size()},
          {"records", index.records()},
          {"bytes", index.bytes()},
          {"rejected", index.rejected.size()}};
}

json index_json(const CacheIndex& index) {
  json shards = json::array();
  for (const ShardSummary& shard : index.shards) {
    shards.push_back({{"file", shard.file},
                      {"unit", shard.unit},
                      {"bytes", shard.bytes},
                      {"crc32c", shard.crc32c},
                      {"records", shard.records}});
  }
  return {{"format", kFormat},
          {"format_version", kCacheFormatVersion},
          {"key", to_json(index.key)},
          {"labels", index.labels},
          {"shards", shards},
          {"totals", totals_json(index)},
          {"rejected", rejected_to_json(index.rejected)},
          {"listed", index.listed}};
}

// Reads the members of one object; each complaint names the file.
class Members {
 public:
  Members(const json& object, std::string path, size_t count) : object_(object), path_(std::move(path)) {
    require(object.is_object() && object.size() == count, "an object has other members than FORMAT.md says");
  }

  void require(bool holds, const std::string& complaint) const {
    if (!holds) throw core::DataError(path_ + ": " + complaint + ": run cache build again");
  }
  const json& at(const char* name) const {
    const auto found = object_.find(name);
    require(found != object_.end(), std::string("no '") + name + "'");
    return *found;
  }
  uint64_t count(const char* name, uint64_t limit = INT64_MAX) const {
    const json& value = at(name);
    require(value.is_number_unsigned() && value.get<uint64_t>() <= limit,
            std::string("'") + name + "' is " + value.dump().substr(0, 64) + ", expected a count");
    return value.get<uint64_t>();
  }
  std::string text(const char* name) const {
    const json& value = at(name);
    require(value.is_string(), std::string("'") + name + "' is no text");
    return value.get<std::string>();
  }
  const json& list(const char* name) const {
    const json& value = at(name);
    require(value.is_array(), std::string("'") + name + "' is no list");
    return value;
  }

 private:
  const json& object_;
  std::string path_;
};

ShardSummary shard_from_json(const json& object, const std::string& path) {
  const Members members(object, path, 5);
  ShardSummary shard{.file = members.text("file"),
                     .unit = static_cast<int64_t>(members.count("unit")),
                     .bytes = members.count("bytes"),
                     .crc32c = static_cast<uint32_t>(members.count("crc32c", UINT32_MAX)),
                     .records = static_cast<int64_t>(members.count("records"))};
  members.require(shard.file == shard_file_name(shard.unit),
                  "unit " + std::to_string(shard.unit) + " is in a file of another name");
  return shard;
}

std::vector<std::string> labels_from_json(const Members& members, const CacheKey& key) {
  std::vector<std::string> labels;
  for (const json& label : members.list("labels")) {
    members.require(label.is_string(), "a label is no text");
    labels.push_back(label.get<std::string>());
  }
  const std::string found = LabelMap(labels).hash();
  members.require(key.labels_sha256.empty() || found == key.labels_sha256,
                  "the labels' hash is " + found + ", expected the key's " + key.labels_sha256);
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

int64_t CacheIndex::records() const {
  int64_t total = 0;
  for (const ShardSummary& shard : shards) total += shard.records;
  return total;
}

uint64_t CacheIndex::bytes() const {
  uint64_t total = 0;
  for (const ShardSummary& shard : shards) total += shard.bytes;
  return total;
}

bool has_index(const std::string& directory) { return std::filesystem::exists(index_path(directory)); }

void remove_index(const std::string& directory) {
  std::error_code error;
  std::filesystem::remove(index_path(directory), error);
  if (error) throw core::IoError(index_path(directory) + ": cannot remove it: " + error.message());
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

void write_index(const std::string& directory, const CacheIndex& index) {
  json object = index_json(index);
  object["sha256"] = core::sha256_hex(object.dump());
  core::publish_text(index_path(directory), object.dump(1) + "\n");
}

CacheIndex read_index(const std::string& directory) {
  const std::string path = index_path(directory);
  if (!std::filesystem::is_directory(directory)) {
    throw core::DataError(directory + ": expected the folder of a cache, found none: give another one, or build it");
  }
  if (!std::filesystem::exists(path)) {
    throw core::DataError(path + ": there is none, so the cache is incomplete: run cache build again");
  }
  const json object = parse_index(path);
  const Members members(object, path, 9);
  CacheIndex index;
  index.key = cache_key_from_json(members.at("key"), path);
  index.labels = labels_from_json(members, index.key);
  std::set<int64_t> units;
  for (const json& shard : members.list("shards")) {
    index.shards.push_back(shard_from_json(shard, path));
    members.require(units.insert(index.shards.back().unit).second, "it names a unit twice");
  }
  index.rejected = rejected_from_json(members.at("rejected"), path);
  for (const auto& [split, count] : members.at("listed").items()) {
    members.require(count.is_number_unsigned(), "'listed' is no count of videos by split");
    index.listed[split] = count.get<int64_t>();
  }
  members.require(members.at("totals") == totals_json(index), "'totals' is not the sum of its shards");
  return index;
}

}  // namespace permafrost::data
