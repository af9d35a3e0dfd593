#include "data/dataset/manifest_entry.h"

#include <filesystem>

#include "core/base/error.h"
#include "data/dataset/list.h"

namespace permafrost::data {

void refuse(const std::string& where, const std::string& what) { throw core::DataError(where + ": " + what); }

nlohmann::ordered_json entry_to_json(const ManifestEntry& entry) {
  nlohmann::ordered_json json = {{"id", entry.id},
                                 {"path", entry.path},
                                 {"bytes", entry.bytes},
                                 {"crc32c", entry.crc32c},
                                 {"duration_seconds", entry.duration_seconds},
                                 {"frames", entry.frames},
                                 {"frames_per_second", entry.frames_per_second},
                                 {"width", entry.width},
                                 {"height", entry.height},
                                 {"label", entry.label},
                                 {"split", entry.split},
                                 {"status", entry.status}};
  if (!entry.is_ok()) json["reason"] = entry.reason;
  if (entry.start_seconds) json["start_seconds"] = *entry.start_seconds;
  if (entry.end_seconds) json["end_seconds"] = *entry.end_seconds;
  return json;
}

ManifestEntry entry_from_json(JsonLine& object) {
  ManifestEntry entry;
  entry.id = object.text("id");
  entry.path = object.text("path");
  entry.bytes = object.count("bytes");
  entry.crc32c = object.count("crc32c");
  entry.duration_seconds = object.measure("duration_seconds");
  entry.frames = object.count("frames");
  entry.frames_per_second = object.measure("frames_per_second");
  entry.width = object.count("width");
  entry.height = object.count("height");
  entry.label = object.text("label");
  entry.split = object.text("split");
  entry.status = object.text("status");
  if (entry.status == "rejected") entry.reason = object.text("reason");
  entry.start_seconds = object.optional_measure("start_seconds");
  entry.end_seconds = object.optional_measure("end_seconds");
  object.require_empty();
  return entry;
}

void require_sound(const ManifestEntry& entry, const LabelMap& labels, bool allow_outside_root,
                   const std::string& where) {
  if (entry.status != "ok" && entry.status != "rejected") {
    refuse(where, "'status': expected ok or rejected, found '" + entry.status + "'");
  }
  if (!entry.is_ok()) {
    if (entry.reason.empty()) refuse(where, "'reason': expected why the video is rejected, found nothing");
    return;
  }
  if (entry.id.empty()) refuse(where, "'id': expected a name, found nothing");
  const std::string hostile = why_hostile(entry.path);
  if (!hostile.empty() && !(allow_outside_root && std::filesystem::path(entry.path).is_absolute())) {
    refuse(where, "'path': '" + entry.path + "' " + hostile);
  }
  if (!labels.has(entry.label)) {
    refuse(where,
           "'label': '" + entry.label + "' is not one of the manifest's " + std::to_string(labels.size()) + " labels");
  }
  if (entry.split.empty() || split_name(entry.split) != entry.split) {
    refuse(where, "'split': expected train, val or test, found '" + entry.split + "'");
  }
  if (entry.frames < 1 || entry.width < 1 || entry.height < 1)
    refuse(where, "a video that is ok has frames and a size");
  if (entry.start_seconds && entry.end_seconds && *entry.start_seconds >= *entry.end_seconds) {
    refuse(where, "expected start_seconds < end_seconds");
  }
}

}  // namespace permafrost::data
