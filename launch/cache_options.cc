#include "launch/cache_options.h"

#include <algorithm>
#include <map>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/encoder/vision_transformer.h"
#include "data/cache/codec_fit.h"
#include "launch/geometry.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

// Options and the fields of the key that they decide.
const std::map<std::string, std::string>& fields() {
  static const std::map<std::string, std::string> kFields{{"views", "train_views"},
                                                          {"sampling.frames", "frames"},
                                                          {"sampling.alpha", "alpha"},
                                                          {"sampling.train_views", "train_views"},
                                                          {"sampling.eval_views", "eval_views"},
                                                          {"sampling.eval_crops", "eval_crops"},
                                                          {"sampling.resize", "resize"},
                                                          {"sampling.seed", "seed"},
                                                          {"sampling.augment", "augment"},
                                                          {"sampling.crop_scale_min", "crop_scale_min"},
                                                          {"sampling.crop_scale_max", "crop_scale_max"},
                                                          {"sampling.crop_ratio_min", "crop_ratio_min"},
                                                          {"sampling.crop_ratio_max", "crop_ratio_max"},
                                                          {"sampling.flip", "flip"},
                                                          {"sampling.grayscale", "grayscale"},
                                                          {"sampling.jitter", "jitter"},
                                                          {"cache.codec", "codec"},
                                                          {"cache.layers", "selected_layers"},
                                                          {"cache.tokens", "tokens"},
                                                          {"cache.image_size", "image_size"},
                                                          {"cache.encoder_dtype", "encoder_dtype"}};
  return kFields;
}

// The key that the options ask for, of the cache's own encoder.
data::CacheKey asked_key(const Settings& settings, const data::CacheKey& key) {
  core::VisionConfig vision;
  vision.image_size = settings.cache.image_size > 0 ? settings.cache.image_size : key.image_size;
  vision.patch_size = key.patch_size;
  vision.width = key.width;
  vision.layers = key.layers_total;
  data::CacheKey asked = clip_key(settings, vision);
  asked.encoder_dtype = settings.cache.encoder_dtype;
  asked.augment = settings.sampling.augment;
  if (asked.augment == "paper") asked.augmentation = settings.sampling.augmentation;
  asked.seed = static_cast<uint64_t>(settings.sampling.seed);
  return asked;
}

// Without a paper's augmentation its numbers have no meaning, whoever gave them.
bool has_meaning(const std::string& field, const data::CacheKey& asked) {
  static const std::vector<std::string> kAugmentation{
      "crop_scale_min", "crop_scale_max", "crop_ratio_min", "crop_ratio_max", "flip", "grayscale", "jitter"};
  return asked.augment == "paper" ||
         std::find(kAugmentation.begin(), kAugmentation.end(), field) == kAugmentation.end();
}

}  // namespace

void require_no_contradiction(const Invocation& invocation, const data::CacheKey& key, const std::string& where,
                              bool is_recoded) {
  const data::CacheKey asked = asked_key(invocation.settings, key);
  const json asked_fields = data::to_json(asked), found_fields = data::to_json(key);
  std::string faults;
  const auto complain = [&](const core::Option& option, const std::string& found) {
    faults += (faults.empty() ? "" : "\n") + option.origin + ": option '" + option.name + "' is " + option.value() +
              ", but " + where + " has " + found + ": leave it out, or build another cache";
  };
  for (const core::Option& option : invocation.table->options()) {
    if (option.origin == "default" || (is_recoded && core::is_among(option.name, {"cache.codec", "cache.bits"})))
      continue;
    if (option.name == "cache.bits" && key.codec.name == "lowrank" &&
        !data::has_bits(key.codec, key.width, invocation.settings.cache.bits)) {
      complain(option, "another number of bits");
    }
    const auto field = fields().find(option.name);
    if (field == fields().end() || !has_meaning(field->second, asked)) continue;
    const json& found = found_fields[field->second];
    if (asked_fields[field->second] != found)
      complain(option, found.is_string() ? found.get<std::string>() : found.dump());
  }
  if (!faults.empty()) throw core::ConfigError(faults);
}

}  // namespace permafrost::launch
