// What a run was trained on, counted from the cache's index and the manifest without opening a shard or a video.
//
//   CacheSummary cache = read_cache_summary("runs/cache/index.json");
//   ManifestSummary manifest = read_manifest_summary("runs/manifest.jsonl");
//
// Throws DataError naming file and line, IoError where a file cannot be read.
#pragma once

#include <string>

#include "launch/report/run_summary.h"

namespace permafrost::launch {

CacheSummary read_cache_summary(const std::string& path);
ManifestSummary read_manifest_summary(const std::string& path);

}  // namespace permafrost::launch
