// One line of a manifest, out and in. Internal to data/dataset.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "data/dataset/json_line.h"
#include "data/dataset/manifest.h"

namespace permafrost::data {

// Throws DataError.
[[noreturn]] void refuse(const std::string& where, const std::string& what);

// With what identifies it first.
nlohmann::ordered_json entry_to_json(const ManifestEntry& entry);
// Throws DataError naming the line.
ManifestEntry entry_from_json(JsonLine& object);

// What holds for every entry, whether it is about to be written or was just read; else a DataError that names `where`.
void require_sound(const ManifestEntry& entry, const LabelMap& labels, bool allow_outside_root,
                   const std::string& where);

}  // namespace permafrost::data
