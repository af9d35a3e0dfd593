#include "launch/training/trained_model.h"

#include <torch/types.h>

#include <filesystem>

#include "core/base/error.h"
#include "core/checkpoint/state.h"
#include "core/encoder/class_texts.h"
#include "core/encoder/precision.h"
#include "core/recipe/weight_average.h"
#include "data/dataset/mirrored_label.h"
#include "launch/geometry.h"

namespace permafrost::core {

// Both ways; a name that is missing is an error, one that is unknown is not.
NLOHMANN_DEFINE_TYPE_NON_INTRUSIVE(DistConfig, frames, alpha, image_size, patch_size, layers, width, embedding,
                                   integration_dim, temporal_dim, pooling_layers, temporal_patch, temporal_kernel,
                                   temporal_mlp_ratio, integration_mlp_ratio, integration_temporal_mlp_ratio)

}  // namespace permafrost::core

namespace permafrost::launch {

using nlohmann::json;

json to_json(const core::DistConfig& config) { return config; }

json to_json(const core::HeadConfig& head) {
  return {{"kind", core::name_of(head.kind)},
          {"classes", head.classes},
          {"verb_of", head.verb_of},
          {"noun_of", head.noun_of}};
}

core::HeadConfig head_config_from_json(const json& value) {
  return {.kind = core::head_named(value.at("kind")),
          .classes = value.at("classes"),
          .verb_of = value.at("verb_of"),
          .noun_of = value.at("noun_of")};
}

core::HeadConfig make_head_config(const std::string& kind, const std::vector<std::string>& labels) {
  const core::HeadKind head = core::head_named(kind);
  if (head == core::HeadKind::kVerbNoun) return core::verb_noun_head(labels);
  return {.kind = head, .classes = static_cast<int64_t>(labels.size())};
}

data::CacheKey make_cache_key(const Settings& settings, const core::FrozenEncoder& encoder,
                              const data::LabelMap& labels) {
  data::CacheKey key = clip_key(settings, encoder.config());
  key.encoder_sha256 = encoder.sha256();
  key.encoder_dtype = core::precision_name(encoder.dtype());
  key.augment = settings.sampling.augment;
  if (key.augment == "paper") {
    key.augmentation = settings.sampling.augmentation;
    if (key.augmentation.flip > 0) data::require_mirrored_labels(labels);
  }
  key.seed = static_cast<uint64_t>(settings.sampling.seed);
  key.validate();
  return key;
}

namespace {

TrainedModel model_of(const core::Checkpoint& checkpoint, torch::Device device) {
  TrainedModel model{.device = device};
  try {
    model.labels = data::LabelMap(checkpoint.state.at("labels").get<std::vector<std::string>>());
    model.key = data::cache_key_from_json(checkpoint.state.at("cache_key"), checkpoint.directory);
    model.classifier = core::Classifier(checkpoint.state.at("model").get<core::DistConfig>(),
                                        head_config_from_json(checkpoint.state.at("head")));
  } catch (const json::exception& error) {
    throw core::DataError(checkpoint.directory + "/state.json: " + error.what() + ": written by another version?");
  }
  core::load_state(*model.classifier, core::averaged(checkpoint.model, checkpoint.optimizer),
                   checkpoint.directory + "/model.safetensors");
  model.classifier->to(device);
  model.step = checkpoint.step;
  return model;
}

}  // namespace

core::Checkpoint load_checkpoint(const std::string& run, const std::string& which) {
  const std::string directory = run + "/checkpoints";
  if (!std::filesystem::is_directory(directory)) {
    throw core::DataError(run + ": expected a run with checkpoints, found none: train first, or give another --run");
  }
  const core::CheckpointStore store(directory, 1);
  if (which == "best") return store.load_best();
  const auto newest = store.load_newest();
  if (!newest) throw core::DataError(directory + ": expected a checkpoint, found none: train first");
  return *newest;
}

TrainedModel load_model(const std::string& run, const std::string& which, torch::Device device) {
  return model_of(load_checkpoint(run, which), device);
}

TrainedModel load_model_together(const std::string& run, const std::string& which, torch::Device device,
                                 distributed::Communicator& world) {
  std::optional<core::Checkpoint> checkpoint;
  if (world.is_root()) checkpoint = load_checkpoint(run, which);
  const std::string directory = world.broadcast(checkpoint ? checkpoint->directory : "");
  if (!checkpoint) checkpoint = core::read_checkpoint(directory);
  return model_of(*checkpoint, device);
}

void use_classes(TrainedModel& model, const std::string& text, core::FrozenEncoder* encoder, double clip_weight) {
  if (model.classifier->head->config.kind != core::HeadKind::kText) {
    throw core::ConfigError(
        std::string("--text names other classes, which only a text head can score; the run has a ") +
        core::name_of(model.classifier->head->config.kind) + " head: train with model.head = text");
  }
  const core::ClassTexts texts = core::read_class_texts(text);
  model.labels = data::LabelMap(texts.names);
  const auto demand = [&](const char* whose, int64_t width) {
    if (texts.features.size(1) == width) return;
    throw core::DataError(text + ": text features are " + std::to_string(texts.features.size(1)) + " wide, expected " +
                          std::to_string(width) + " as " + whose +
                          ": make them with the text tower of the encoder that the run was trained on");
  };
  demand("the run's embedding", model.classifier->dist_net->config.embedding);
  const bool is_fused = encoder != nullptr && clip_weight > 0;
  if (is_fused) demand("the encoder's embedding", encoder->config().embedding);
  core::Head head(core::HeadConfig{.kind = core::HeadKind::kText, .classes = model.labels.size()},
                  texts.features.size(1));
  head->set_text(texts.features, texts.logit_scale);
  head->to(model.device);
  model.classifier->head = model.classifier->replace_module("head", head.ptr());
  if (is_fused) model.zero_shot = std::make_shared<ZeroShot>(*encoder, head, clip_weight);
}

core::FrozenEncoder load_frozen_encoder(const TrainedModel& model, const std::string& path) {
  return core::FrozenEncoder(path, {.image_size = model.key.image_size,
                                    .dtype = core::precision_named(model.key.encoder_dtype),
                                    .device = model.device});
}

void require_usable(const TrainedModel& model, const data::CacheKey& found, const std::string& where) {
  data::CacheKey expected = model.key;
  expected.codec = found.codec;
  expected.train_views = found.train_views;
  expected.eval_views = found.eval_views;
  expected.eval_crops = found.eval_crops;
  expected.augment = found.augment;
  expected.augmentation = found.augmentation;
  expected.seed = found.seed;
  expected.frame_order = found.frame_order;
  data::require_equal(expected, found, where);
}

}  // namespace permafrost::launch
