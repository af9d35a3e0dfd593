// A network with what it needs to be used: its geometry, its classes, and the key of the features it was trained on.
//
//   TrainedModel model = load_model("runs/a", "newest", torch::kCPU);
//   std::vector<torch::Tensor> logits = model.classifier->forward(pixels, features);
//
// Everything comes from the checkpoint's state.json, so that a run directory alone is enough.
#pragma once

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "core/checkpoint/checkpoint.h"
#include "core/dist/classifier.h"
#include "core/encoder/frozen_encoder.h"
#include "data/cache/cache_key.h"
#include "data/dataset/label_map.h"
#include "distributed/communicator.h"
#include "launch/settings.h"
#include "launch/training/zero_shot.h"

namespace permafrost::launch {

struct TrainedModel {
  core::Classifier classifier{nullptr};
  torch::Device device = torch::kCPU;  // where it computes
  data::LabelMap labels;
  data::CacheKey key;
  int64_t step = 0;
  std::shared_ptr<ZeroShot> zero_shot;  // set by use_classes()
};

nlohmann::json to_json(const core::DistConfig& config);
nlohmann::json to_json(const core::HeadConfig& head);
core::HeadConfig head_config_from_json(const nlohmann::json& json);

// A head of `kind` ("text", "linear", "verb_noun") for these classes.
core::HeadConfig make_head_config(const std::string& kind, const std::vector<std::string>& labels);

// What features of this encoder under these settings are; of no manifest yet. Throws ConfigError.
data::CacheKey make_cache_key(const Settings& settings, const core::FrozenEncoder& encoder,
                              const data::LabelMap& labels);

// `which`: "newest", or "best" by the evaluations during training. With the average of the weights where one was kept.
// Throws DataError where the run has no such checkpoint that is whole.
TrainedModel load_model(const std::string& run, const std::string& which, torch::Device device);
// The same checkpoint on all ranks, also while training writes newer ones. Collective.
TrainedModel load_model_together(const std::string& run, const std::string& which, torch::Device device,
                                 distributed::Communicator& world);
core::Checkpoint load_checkpoint(const std::string& run, const std::string& which);

// The encoder at `path`, at the image size and in the type that made the features the model was trained on; whether it
// is the same encoder, data::ClipBuilder checks. It computes where the model does.
core::FrozenEncoder load_frozen_encoder(const TrainedModel& model, const std::string& path);

// Lets a model with a text head name other classes than it was trained on: those of the file `text`. With an encoder,
// CLIP's own frame-averaged logits count for `clip_weight` of the sum. Throws ConfigError for another head.
void use_classes(TrainedModel& model, const std::string& text, core::FrozenEncoder* encoder, double clip_weight);

// Throws DataError naming each field in which features of `found` differ from those the model was trained on. What may
// differ: the data set they come from, their codec, how many views there are, and the order of frames.
void require_usable(const TrainedModel& model, const data::CacheKey& found, const std::string& where);

}  // namespace permafrost::launch
