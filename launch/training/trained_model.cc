#include "launch/training/trained_model.h"

#include <torch/types.h>

#include <filesystem>

#include "core/base/error.h"
#include "core/checkpoint/state.h"

namespace permafrost::launch {

using nlohmann::json;

json to_json(const core::DistConfig& config) {
  return {{"frames", config.frames},
          {"alpha", config.alpha},
          {"image_size", config.image_size},
          {"patch_size", config.patch_size},
          {"layers", config.layers},
          {"width", config.width},
          {"embedding", config.embedding},
          {"integration_dim", config.integration_dim},
          {"temporal_dim", config.temporal_dim},
          {"pooling_layers", config.pooling_layers},
          {"temporal_patch", config.temporal_patch}};
}

core::DistConfig dist_config_from_json(const json& value) {
  core::DistConfig config;
  config.frames = value.at("frames");
  config.alpha = value.at("alpha");
  config.image_size = value.at("image_size");
  config.patch_size = value.at("patch_size");
  config.layers = value.at("layers");
  config.width = value.at("width");
  config.embedding = value.at("embedding");
  config.integration_dim = value.at("integration_dim");
  config.temporal_dim = value.at("temporal_dim");
  config.pooling_layers = value.at("pooling_layers");
  config.temporal_patch = value.at("temporal_patch");
  return config;
}

TrainedModel load_newest_model(const std::string& run) {
  const std::string directory = run + "/checkpoints";
  if (!std::filesystem::is_directory(directory)) {
    throw core::DataError(run + ": expected a run with checkpoints, found none: train first, or give another --run");
  }
  const auto checkpoint = core::CheckpointStore(directory, 1).load_newest();
  if (!checkpoint) throw core::DataError(directory + ": expected a checkpoint, found none: train first");
  TrainedModel model;
  try {
    model.labels = data::LabelMap(checkpoint->state.at("labels").get<std::vector<std::string>>());
    model.key = data::cache_key_from_json(checkpoint->state.at("cache_key"), checkpoint->directory);
    model.classifier = core::Classifier(dist_config_from_json(checkpoint->state.at("model")), model.labels.size());
  } catch (const json::exception& error) {
    throw core::DataError(checkpoint->directory + "/state.json: " + error.what() + ": written by another version?");
  }
  core::load_state(*model.classifier, checkpoint->model, checkpoint->directory + "/model.safetensors");
  model.step = checkpoint->step;
  return model;
}

core::FrozenEncoder load_frozen_encoder(const TrainedModel& model, const std::string& path) {
  return core::FrozenEncoder(
      path, {.image_size = model.key.image_size, .dtype = core::encoder_dtype_named(model.key.encoder_dtype)});
}

void require_usable(const TrainedModel& model, const data::CacheKey& found, const std::string& where) {
  data::CacheKey expected = model.key;
  expected.codec = found.codec;
  expected.train_views = found.train_views;
  expected.eval_views = found.eval_views;
  expected.seed = found.seed;
  expected.frame_order = found.frame_order;
  expected.labels_sha256 = found.labels_sha256;
  expected.manifest_sha256 = found.manifest_sha256;
  data::require_equal(expected, found, where);
}

}  // namespace permafrost::launch
