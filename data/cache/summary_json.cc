#include "data/cache/summary_json.h"

#include "data/cache/json_members.h"
#include "data/cache/rejected_json.h"
#include "data/cache/shard_writer.h"

namespace permafrost::data {
namespace {

using nlohmann::json;

ShardVideo video_from_json(const json& row, const JsonMembers& members, const std::vector<std::string>& labels) {
  members.require(row.is_array() && row.size() == 5 && row[0].is_string() && row[2].is_string() &&
                      row[1].is_number_unsigned() && row[3].is_number_unsigned() && row[4].is_number_unsigned(),
                  "a video is no [id, label, split, views, checksum]");
  members.require(row[1].get<uint64_t>() < labels.size() && row[3].get<uint64_t>() <= UINT32_MAX &&
                      row[4].get<uint64_t>() <= UINT32_MAX,
                  "a video has a number beyond its range");
  return {row[0], labels[row[1].get<uint64_t>()], row[2], row[3], row[4]};
}

}  // namespace

// A video is [id, place of its label, split, views, entry_crc32c].
json to_json(const ShardSummary& shard, const LabelMap& labels) {
  json videos = json::array();
  for (const ShardVideo& video : shard.videos) {
    videos.push_back({video.id, labels.index_of(video.label), video.split, video.views, video.entry_crc32c});
  }
  return {{"file", shard.file},     {"unit", shard.unit}, {"bytes", shard.bytes},
          {"crc32c", shard.crc32c}, {"videos", videos},   {"rejected", rejected_to_json(shard.rejected)}};
}

ShardSummary shard_summary_from_json(const json& object, const std::string& where,
                                     const std::vector<std::string>& labels) {
  const JsonMembers members(object, where, 6);
  ShardSummary shard{.file = members.text("file"),
                     .unit = static_cast<int64_t>(members.count("unit")),
                     .bytes = members.count("bytes"),
                     .crc32c = static_cast<uint32_t>(members.count("crc32c", UINT32_MAX))};
  shard.rejected = rejected_from_json(members.at("rejected"), where);
  for (const json& row : members.list("videos")) shard.videos.push_back(video_from_json(row, members, labels));
  members.require(shard.file == shard_file_name(shard.unit),
                  "unit " + std::to_string(shard.unit) + " is in a file of another name");
  return shard;
}

}  // namespace permafrost::data
