#include "core/encoder/class_texts.h"

#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/checkpoint/safetensors.h"

namespace permafrost::core {

ClassTexts read_class_texts(const std::string& path) {
  const SafetensorsFile file = read_safetensors(path);
  const auto names = file.metadata.find("names");
  if (names == file.metadata.end()) {
    throw DataError(path + ": expected class-name features with their names, found none: make them with " +
                    "`permafrost text`");
  }
  const nlohmann::json list = nlohmann::json::parse(names->second, nullptr, /*allow_exceptions=*/false);
  ClassTexts texts{list.get<std::vector<std::string>>(), file.at("features"), file.at("logit_scale").item<double>()};
  if (texts.features.dim() != 2 || texts.features.size(0) != static_cast<int64_t>(texts.names.size())) {
    throw DataError(path + ": expected a row of features for each of the " + std::to_string(texts.names.size()) +
                    " names");
  }
  return texts;
}

void write_class_texts(const std::string& path, const ClassTexts& texts) {
  write_safetensors(path,
                    {{"features", texts.features}, {"logit_scale", torch::tensor(texts.logit_scale, torch::kFloat64)}},
                    {{"names", nlohmann::json(texts.names).dump()}});
}

}  // namespace permafrost::core
