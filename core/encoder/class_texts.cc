#include "core/encoder/class_texts.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <nlohmann/json.hpp>
#include <sstream>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/checkpoint/safetensors.h"

namespace permafrost::core {
namespace {

using nlohmann::json;

constexpr const char* kFormat = "permafrost class texts 1";
constexpr const char* kFeatures = "text_features";
constexpr const char* kPlace = "{}";

std::string filled(const std::string& pattern, const std::string& name) {
  const size_t place = pattern.find(kPlace);
  return pattern.substr(0, place) + name + pattern.substr(place + 2);
}

void require_sound(const ClassTextsRequest& request) {
  if (request.templates.empty()) throw ConfigError("expected a template such as 'a video of {}.', found none");
  for (const std::string& pattern : request.templates) {
    const size_t place = pattern.find(kPlace);
    if (place == std::string::npos || pattern.find(kPlace, place + 1) != std::string::npos) {
      throw ConfigError("template '" + pattern + "': expected {} once, where the class name goes");
    }
  }
}

torch::Tensor normalised(const torch::Tensor& rows) { return rows / rows.norm(2, 1, /*keepdim=*/true); }  // [K, e]

std::string exactly(double value) {
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

// Names need not be UTF-8, JSON must.
std::string dumped(const std::vector<std::string>& texts) {
  return json(texts).dump(-1, ' ', false, json::error_handler_t::replace);
}

std::map<std::string, std::string> metadata_of(const ClassTexts& texts) {
  return {{"format", kFormat},
          {"classes", dumped(texts.names)},
          {"label_map_sha256", texts.label_map_sha256},
          {"templates", dumped(texts.templates)},
          {"encoder_sha256", texts.encoder_sha256},
          {"vocabulary_sha256", texts.vocabulary_sha256},
          {"logit_scale", exactly(texts.logit_scale)}};
}

const std::string& entry(const SafetensorsFile& file, const std::string& name) {
  const auto found = file.metadata.find(name);
  if (found != file.metadata.end()) return found->second;
  throw DataError(file.path + ": expected the metadata '" + name + "', found none: make the file with permafrost text");
}

std::vector<std::string> list_entry(const SafetensorsFile& file, const std::string& name) {
  const json list = json::parse(entry(file, name), nullptr, /*allow_exceptions=*/false);
  const bool is_list =
      list.is_array() && std::all_of(list.begin(), list.end(), [](const json& i) { return i.is_string(); });
  if (!is_list) throw DataError(file.path + ": metadata '" + name + "': expected a list of texts, found another thing");
  return list.get<std::vector<std::string>>();
}

double number_entry(const SafetensorsFile& file, const std::string& name) {
  const std::string& text = entry(file, name);
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error == std::errc() && end == text.data() + text.size() && std::isfinite(value)) return value;
  throw DataError(file.path + ": metadata '" + name + "': expected a number, found '" + text + "'");
}

void require_features(const SafetensorsFile& file, const ClassTexts& texts) {
  const torch::Tensor& features = texts.features;
  const auto classes = static_cast<int64_t>(texts.names.size());
  const bool fits = features.dim() == 2 && features.size(0) == classes && features.scalar_type() == torch::kFloat32;
  if (!fits || !torch::isfinite(features).all().item<bool>()) {
    std::ostringstream found;
    found << features.scalar_type() << " " << features.sizes();
    throw DataError(file.path + ": tensor '" + kFeatures + "': expected finite Float [" + std::to_string(classes) +
                    ", e], found " + found.str() + ": make the file again");
  }
}

}  // namespace

std::string ClassTexts::identity() const {
  Sha256 sha;
  for (const auto& [name, value] : metadata_of(*this)) sha.update(name + "=" + value + "\n");
  return sha.hex();
}

ClassTexts describe_class_texts(const ClassTextsRequest& request, const Tokenizer& tokenizer,
                                const TextEncoder& encoder) {
  require_sound(request);
  ClassTexts texts;
  texts.names = request.names;
  texts.label_map_sha256 = request.label_map_sha256;
  texts.templates = request.templates;
  texts.encoder_sha256 = encoder.sha256();
  texts.vocabulary_sha256 = tokenizer.sha256();
  texts.logit_scale = encoder.logit_scale();
  return texts;
}

ClassTexts make_class_texts(const ClassTextsRequest& request, const Tokenizer& tokenizer, TextEncoder& encoder) {
  ClassTexts texts = describe_class_texts(request, tokenizer, encoder);
  const int64_t context = std::min(Tokenizer::kContext, encoder.config().context);
  torch::Tensor sum;
  for (const std::string& pattern : request.templates) {
    std::vector<std::string> sentences;
    for (const std::string& name : request.names) sentences.push_back(filled(pattern, name));
    const torch::Tensor rows = normalised(encoder.encode(tokenizer.tokenize(sentences, context)));
    sum = sum.defined() ? sum + rows : rows;
  }
  texts.features = normalised(sum);  // the length of the mean is of no consequence
  return texts;
}

void write_class_texts(const std::string& path, const ClassTexts& texts) {
  write_safetensors(path, {{kFeatures, texts.features}}, metadata_of(texts));
}

ClassTexts read_class_texts(const std::string& path, const std::string& label_map_sha256) {
  const SafetensorsFile file = read_safetensors(path);
  if (entry(file, "format") != kFormat) {
    throw DataError(path + ": format is '" + entry(file, "format") + "', expected '" + kFormat +
                    "': make the file with permafrost text");
  }
  ClassTexts texts;
  texts.names = list_entry(file, "classes");
  texts.label_map_sha256 = entry(file, "label_map_sha256");
  texts.templates = list_entry(file, "templates");
  texts.encoder_sha256 = entry(file, "encoder_sha256");
  texts.vocabulary_sha256 = entry(file, "vocabulary_sha256");
  texts.logit_scale = number_entry(file, "logit_scale");
  texts.features = file.at(kFeatures);
  require_features(file, texts);
  if (!label_map_sha256.empty() && texts.label_map_sha256 != label_map_sha256) {
    throw DataError(path + ": text features of the label map " + texts.label_map_sha256 + ", expected those of " +
                    label_map_sha256 + ": run permafrost text on the labels in use");
  }
  return texts;
}

}  // namespace permafrost::core
