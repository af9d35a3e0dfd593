#include <iostream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "data/cache/cache_index.h"
#include "data/cache/rejected_json.h"
#include "launch/training/run_directory.h"
#include "launch/verbs/cache_verbs.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {

using nlohmann::json;

int tell_cache(Invocation& invocation) {
  if (invocation.session->rank() != 0) return core::kExitDone;
  const std::string& cache = invocation.need(invocation.settings.path.cache, "cache");
  const data::CacheIndex index = data::read_index(cache);
  json videos = json::object();
  for (const data::ShardSummary& shard : index.shards) {
    for (const data::ShardVideo& video : shard.videos) videos[video.split] = videos.value(video.split, 0) + 1;
  }
  const json result{{"cache", cache},
                    {"key", data::to_json(index.key)},
                    {"classes", index.labels.size()},
                    {"videos", videos},
                    {"records", index.records()},
                    {"shards", index.shards.size()},
                    {"bytes", index.bytes()},
                    {"removed", index.removed},
                    {"rejected", data::rejected_to_json(index.rejected())}};
  std::cout << json_text(result, 2) << "\n";
  return core::kExitDone;
}

int run_cache(Invocation& invocation) {
  static const std::vector<std::pair<std::string, int (*)(Invocation&)>> kActions{
      {"build", &build_cache},     {"add", &add_to_cache},   {"verify", &verify_cache_files},
      {"audit", &audit_cache},     {"info", &tell_cache},    {"remove", &remove_from_cache},
      {"relabel", &relabel_cache}, {"recode", &recode_cache}};
  const std::string what = invocation.words.empty() ? "" : invocation.words[0];
  // Of a cache, views are those of training.
  if (invocation.table->is_set("views")) invocation.settings.sampling.train_views = invocation.settings.dataset.views;
  std::string names;
  for (const auto& [name, action] : kActions) {
    if (name == what) return action(invocation);
    names += (names.empty() ? "" : ", ") + name;
  }
  throw core::ConfigError("cache: expected one of " + names + ", found '" + what + "'");
}

}  // namespace permafrost::launch
