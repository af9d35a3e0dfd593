#include "core/encoder/encoder_files.h"

#include <filesystem>
#include <map>
#include <set>
#include <vector>

#include "core/base/error.h"
#include "core/encoder/config_fields.h"

namespace permafrost::core {
namespace {

namespace fs = std::filesystem;

const std::string kIndexEnding = ".index.json";
const std::string kOpenClipWeights = "open_clip_model.safetensors";

fs::path weights_in(const fs::path& folder) {
  for (const std::string& name :
       {std::string("model.safetensors"), "model.safetensors" + kIndexEnding, kOpenClipWeights}) {
    if (fs::exists(folder / name)) return folder / name;
  }
  std::vector<fs::path> others;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == ".safetensors") others.push_back(entry.path());
  }
  if (others.size() == 1) return others.front();
  throw DataError(folder.string() + ": expected model.safetensors, model.safetensors.index.json, " + kOpenClipWeights +
                  " or a single .safetensors file, found " + std::to_string(others.size()) +
                  " files of that ending: give an encoder's folder or the file itself");
}

SafetensorsFile read_shards(const std::string& index) {
  const ConfigFields fields = read_config_fields(index);
  const auto shard_of = fields.need<std::map<std::string, std::string>>("weight_map");
  std::map<std::string, SafetensorsFile> shards;
  SafetensorsFile whole;
  whole.path = index;
  for (const auto& [tensor, shard] : shard_of) {
    if (fs::path(shard).filename() != shard) {
      throw DataError(index + ": shard '" + shard + "' of tensor '" + tensor + "' is no plain file name");
    }
    auto found = shards.find(shard);
    if (found == shards.end()) {
      found = shards.emplace(shard, read_safetensors((fs::path(index).parent_path() / shard).string())).first;
    }
    whole.tensors.emplace(tensor, found->second.at(tensor));
  }
  return whole;
}

}  // namespace

EncoderFiles find_encoder_files(const std::string& path) {
  if (!fs::exists(path)) throw IoError(path + ": cannot open: no such file or folder: give an encoder's");
  const fs::path weights = fs::is_directory(path) ? weights_in(path) : fs::path(path);
  const auto beside = [&](const char* name) {
    const fs::path config = weights.parent_path() / name;
    return fs::exists(config) ? config.string() : std::string();
  };
  EncoderFiles files{weights.string(), beside("config.json"), beside("open_clip_config.json")};
  if (files.hugging_face_config.empty() || files.open_clip_config.empty()) return files;
  (weights.filename() == kOpenClipWeights ? files.hugging_face_config : files.open_clip_config).clear();
  return files;
}

SafetensorsFile read_weights(const std::string& path) {
  return path.ends_with(kIndexEnding) ? read_shards(path) : read_safetensors(path);
}

}  // namespace permafrost::core
