#include "data/cache/rejected_json.h"

#include "core/base/error.h"

namespace permafrost::data {
namespace {

std::string text_member(const nlohmann::json& json, const char* name, const std::string& where) {
  const auto found = json.find(name);
  if (found == json.end() || !found->is_string()) {
    throw core::DataError(where + ": a rejected video without '" + name + "': build it again");
  }
  return found->get<std::string>();
}

std::optional<uint32_t> checksum_member(const nlohmann::json& json, const std::string& where) {
  const auto found = json.find("entry_crc32c");
  if (found == json.end()) return std::nullopt;
  if (!found->is_number_unsigned() || found->get<uint64_t>() > UINT32_MAX) {
    throw core::DataError(where + ": a rejected video's 'entry_crc32c' is no checksum: build it again");
  }
  return found->get<uint32_t>();
}

}  // namespace

std::string valid_utf8(const std::string& text) {
  const nlohmann::json json = text;
  return nlohmann::json::parse(json.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)).get<std::string>();
}

nlohmann::json rejected_to_json(const std::vector<RejectedVideo>& rejected) {
  nlohmann::json list = nlohmann::json::array();
  for (const RejectedVideo& video : rejected) {
    list.push_back({{"video_id", valid_utf8(video.video_id)},
                    {"path", valid_utf8(video.path)},
                    {"reason", valid_utf8(video.reason)}});
    if (video.entry_crc32c) list.back()["entry_crc32c"] = *video.entry_crc32c;
  }
  return list;
}

std::vector<RejectedVideo> rejected_from_json(const nlohmann::json& json, const std::string& where) {
  if (!json.is_array()) throw core::DataError(where + ": 'rejected' is no list: build it again");
  std::vector<RejectedVideo> rejected;
  for (const nlohmann::json& video : json) {
    if (!video.is_object() || video.size() != 3 + video.count("entry_crc32c")) {
      throw core::DataError(where + ": a rejected video is not {video_id, path, reason}: build it again");
    }
    rejected.push_back({.video_id = text_member(video, "video_id", where),
                        .path = text_member(video, "path", where),
                        .reason = text_member(video, "reason", where),
                        .entry_crc32c = checksum_member(video, where)});
  }
  return rejected;
}

}  // namespace permafrost::data
