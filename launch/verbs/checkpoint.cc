#include "core/checkpoint/checkpoint.h"

#include <filesystem>
#include <iostream>
#include <map>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "core/checkpoint/official.h"
#include "core/checkpoint/state.h"
#include "core/dist/geometry.h"
#include "core/encoder/class_texts.h"
#include "core/encoder/frozen_encoder.h"
#include "core/recipe/weight_average.h"
#include "launch/training/run_directory.h"
#include "launch/training/text_head.h"
#include "launch/training/trained_model.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

std::string checkpoints_of(const std::string& run) {
  const std::string directory = run + "/checkpoints";
  if (!std::filesystem::is_directory(directory)) {
    throw core::IoError(directory + ": expected the checkpoints of a run, found no such folder: give --run");
  }
  return directory;
}

int print_info(const Invocation& invocation, const std::string& directory) {
  const Settings& settings = invocation.settings;
  const core::Checkpoint checkpoint = load_checkpoint(settings.path.run, settings.eval.checkpoint);
  json info = checkpoint.state;
  info["directory"] = checkpoint.directory;
  if (!checkpoint.evaluation.is_null()) info["evaluation"] = checkpoint.evaluation;
  if (const std::string best = core::CheckpointStore(directory, 1).best(); !best.empty()) info["best"] = best;
  if (settings.has.json) {
    std::cout << json_text(info, 2) << "\n";
    return core::kExitDone;
  }
  for (const char* name :
       {"directory", "step", "steps", "epoch", "cursor", "ranks", "weights_sha256", "evaluation", "best"}) {
    if (!info.contains(name)) continue;
    const json& value = info[name];
    std::cout << name << ": " << (value.is_string() ? value.get<std::string>() : json_text(value, -1)) << "\n";
  }
  return core::kExitDone;
}

int verify_all(const std::string& directory) {
  int damaged = 0;
  const std::vector<std::string> all = core::CheckpointStore(directory, 1).list();
  if (all.empty()) throw core::DataError(directory + ": expected a checkpoint, found none: train first");
  for (const std::string& path : all) {
    try {
      const core::Checkpoint checkpoint = core::read_checkpoint(path);
      const std::string evaluation = path + "/evaluation.json";
      if (std::filesystem::exists(evaluation) && checkpoint.evaluation.is_null()) {
        throw core::DataError(evaluation + ": its bytes do not fit its sha256: remove it, the weights are whole");
      }
      std::cout << path << ": whole\n";
    } catch (const core::Error& error) {
      std::cout << "damaged: " << error.what() << "\n";
      ++damaged;
    }
  }
  return damaged == 0 ? core::kExitDone : core::kExitError;
}

int export_weights(const Invocation& invocation) {
  const std::string& out = invocation.need(invocation.settings.path.out, "out");
  const core::Checkpoint checkpoint =
      load_checkpoint(invocation.settings.path.run, invocation.settings.eval.checkpoint);
  const std::string prefix = "dist_net.";
  std::map<std::string, torch::Tensor> network;
  for (const auto& [name, tensor] : core::averaged(checkpoint.model, checkpoint.optimizer)) {
    if (name.starts_with(prefix)) network[name.substr(prefix.size())] = tensor;
  }
  core::write_official(out, network);
  std::cout << out << ": " << network.size() << " tensors of step " << checkpoint.step
            << " under the names of the released code\n";
  return core::kExitDone;
}

// "3 of visual, 1 of logit_scale": names counted by their first part.
std::string counted(const std::vector<std::string>& names) {
  std::map<std::string, int64_t> counts;
  for (const std::string& name : names) ++counts[name.substr(0, name.find('.'))];
  std::string text;
  for (const auto& [part, count] : counts) {
    text += (text.empty() ? "" : ", ") + std::to_string(count) + " of " + part;
  }
  return text.empty() ? "none" : text;
}

// Tells which tensors of the file are used, missing and left over.
void tell_keys(const core::OfficialWeights& weights, const core::DistNet& network) {
  std::vector<std::string> missing;
  size_t used = 0;
  for (const auto& item : network->named_parameters()) {
    if (weights.dist_net.contains(item.key())) {
      ++used;
    } else {
      missing.push_back("dist_net." + item.key());
    }
  }
  std::cout << weights.path << ": used " << used << " tensors; missing " << missing.size() << "; left over "
            << weights.left_over.size() + weights.dist_net.size() - used << " (" << counted(weights.left_over) << ")\n";
  for (const std::string& name : missing) std::cout << "  missing: " << name << "\n";
}

void require_of_one_family(const core::DistConfig& network, const core::VisionConfig& encoder,
                           const std::string& path) {
  const auto demand = [&](const char* what, int64_t found, int64_t expected) {
    if (found == expected) return;
    throw core::DataError(path + ": its " + what + " is " + std::to_string(found) + ", expected " +
                          std::to_string(expected) + " as the encoder's: give the encoder it was trained with");
  };
  demand("patch size", network.patch_size, encoder.patch_size);
  demand("feature width", network.width, encoder.width);
  demand("number of layers", network.layers, encoder.layers);
}

int import_weights(const Invocation& invocation) {
  Settings settings = invocation.settings;
  const std::string& run = invocation.need(settings.path.run, "run");
  const core::OfficialWeights weights = core::read_official(invocation.need(settings.path.from, "from"));
  const core::FrozenEncoder encoder(invocation.need_encoder());
  const core::ClassTexts texts = core::read_class_texts(invocation.need(settings.path.text, "text"));
  const core::DistConfig config = core::geometry_of(weights.dist_net, encoder.config().image_size, weights.path);
  require_of_one_family(config, encoder.config(), weights.path);

  core::Classifier classifier(config, make_head_config("text", texts.names));
  tell_keys(weights, classifier->dist_net);
  core::load_state(*classifier->dist_net, weights.dist_net, weights.path);
  fill_text_head(classifier->head, settings.path.text, texts.names);
  settings.sampling.frames = config.frames;
  settings.sampling.alpha = config.alpha;
  core::Checkpoint checkpoint;
  checkpoint.model = core::state_of(*classifier);
  checkpoint.state = {{"steps", 0},
                      {"imported_from", weights.path},
                      {"model", to_json(config)},
                      {"head", to_json(classifier->head->config)},
                      {"labels", texts.names},
                      {"cache_key", data::to_json(make_cache_key(settings, encoder, data::LabelMap(texts.names)))}};
  core::CheckpointStore store(run + "/checkpoints", 1);
  if (!store.list().empty()) {
    throw core::ConfigError(run + ": has checkpoints already, which an import would hide: give another --run");
  }
  store.save(checkpoint);
  std::cout << run << ": ready for eval and predict\n";
  return core::kExitDone;
}

}  // namespace

int run_checkpoint(Invocation& invocation) {
  const std::string what = invocation.words.empty() ? "" : invocation.words[0];
  if (what == "import") return import_weights(invocation);
  if (what != "info" && what != "verify" && what != "export") {
    throw core::ConfigError("expected `checkpoint info`, `verify`, `export` or `import`, found '" + what + "'");
  }
  const std::string directory = checkpoints_of(invocation.need(invocation.settings.path.run, "run"));
  if (what == "export") return export_weights(invocation);
  return what == "info" ? print_info(invocation, directory) : verify_all(directory);
}

}  // namespace permafrost::launch
