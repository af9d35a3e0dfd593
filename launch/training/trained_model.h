// A network with what it needs to be used: its geometry, its classes, and the key of the features it was trained on.
//
//   TrainedModel model = load_newest_model("runs/a");
//   torch::Tensor logits = model.classifier->forward(pixels, features);
//
// Everything comes from the checkpoint's state.json, so that a run directory alone is enough.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/dist/classifier.h"
#include "core/encoder/frozen_encoder.h"
#include "data/cache/cache_key.h"
#include "data/dataset/label_map.h"

namespace permafrost::launch {

struct TrainedModel {
  core::Classifier classifier{nullptr};
  data::LabelMap labels;
  data::CacheKey key;
  int64_t step = 0;
};

nlohmann::json to_json(const core::DistConfig& config);
core::DistConfig dist_config_from_json(const nlohmann::json& json);

// Throws DataError where the run has no checkpoint or none that is whole.
TrainedModel load_newest_model(const std::string& run);

// The encoder at `path`, at the image size and in the type that made the features the model was trained on; whether it
// is the same encoder, data::ClipBuilder checks.
core::FrozenEncoder load_frozen_encoder(const TrainedModel& model, const std::string& path);

// Throws DataError naming each field in which features of `found` differ from those the model was trained on. What may
// differ: the data set they come from, their codec, how many views there are, and the order of frames.
void require_usable(const TrainedModel& model, const data::CacheKey& found, const std::string& where);

}  // namespace permafrost::launch
