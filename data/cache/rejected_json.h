// The list of rejected videos as shards and index have it: [{"video_id", "path", "reason"}],
// with "entry_crc32c" where that is known.
//
//   json["rejected"] = rejected_to_json(rejected);
//   std::vector<RejectedVideo> rejected = rejected_from_json(json["rejected"], path);   // DataError opening with path
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "data/cache/clip_record.h"

namespace permafrost::data {

nlohmann::json rejected_to_json(const std::vector<RejectedVideo>& rejected);
std::vector<RejectedVideo> rejected_from_json(const nlohmann::json& json, const std::string& where);

// `text` with bytes that are no UTF-8 replaced: file names may be any bytes, JSON may not.
std::string valid_utf8(const std::string& text);

}  // namespace permafrost::data
