#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "data/dataset/manifest.h"
#include "launch/training/run_directory.h"
#include "launch/verbs/dataset_verbs.h"

namespace permafrost::launch {

int tell_dataset(Invocation& invocation) {
  const std::string& path = invocation.need(invocation.settings.path.manifest, "manifest");
  const data::Manifest manifest = data::read_manifest(path);
  std::map<std::string, std::map<std::string, int64_t>> by_split;
  for (const data::ManifestEntry& entry : manifest.entries) {
    if (entry.is_ok()) ++by_split[entry.split][entry.label];
  }
  const nlohmann::json result{{"manifest", path}, {"videos", by_split}, {"rejected", data::count_by_reason(manifest)}};
  if (invocation.session->rank() == 0) std::cout << json_text(result, 2) << "\n";
  return core::kExitDone;
}

}  // namespace permafrost::launch
