// What the index says of a shard, as JSON (FORMAT.md, "Index"); ranks hand it to each other so.
//
//   json["shards"].push_back(to_json(summary, labels));
//   ShardSummary summary = shard_summary_from_json(object, path, labels);
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/cache/shard_summary.h"
#include "data/dataset/label_map.h"

namespace permafrost::data {

// A label stands as its place in `labels`. Throws DataError for one that is not there.
nlohmann::json to_json(const ShardSummary& shard, const LabelMap& labels);
// Throws DataError, opening with `where`, for anything else than FORMAT.md has.
ShardSummary shard_summary_from_json(const nlohmann::json& object, const std::string& where,
                                     const std::vector<std::string>& labels);

}  // namespace permafrost::data
