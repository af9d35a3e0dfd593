// What a run remembers: the state of a checkpoint, status.json, and how to go on from them.
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/checkpoint/state.h"
#include "launch/training/trained_model.h"
#include "launch/training/trainer.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

// Throws ConfigError naming each field that differs.
void require_same(const json& expected, const json& found, const std::string& where) {
  std::string faults;
  for (const auto& [name, value] : expected.items()) {
    if (found.value(name, json()) != value) {
      faults += (faults.empty() ? "" : "; ") + name + " is " + found.value(name, json()).dump() + " there, " +
                value.dump() + " here";
    }
  }
  if (!faults.empty()) {
    throw core::ConfigError(where + ": this run was started otherwise: " + faults +
                            ": give the same options, or another --run");
  }
}

}  // namespace

json Trainer::recipe() const {
  const RecipeSettings& recipe = settings_.recipe;
  return {{"epochs", recipe.schedule.epochs},
          {"learning_rate", recipe.schedule.learning_rate},
          {"warmup_epochs", recipe.schedule.warmup_epochs},
          {"warmup_start", recipe.schedule.warmup_start},
          {"weight_decay", recipe.weight_decay},
          {"label_smoothing", recipe.label_smoothing},
          {"clip_norm", recipe.clip_norm},
          {"mixup", recipe.mix.mixup},
          {"cutmix", recipe.mix.cutmix},
          {"cutmix_probability", recipe.mix.cutmix_probability},
          {"mix_group", recipe.mix.group},
          {"batch", recipe.batch},
          {"precision", settings_.train.precision},
          {"seed", recipe.seed}};
}

json Trainer::state() const {
  return {{"steps", steps_},
          {"epoch", epoch()},
          {"cursor", {{"epoch", step_ / steps_per_epoch_}, {"batch", step_ % steps_per_epoch_}}},
          {"ranks", world_.size()},
          {"resumes", resumes_},
          {"skipped_steps", skipped_},
          {"recipe", recipe()},
          {"init_from", settings_.path.init_from},
          {"model", to_json(config_)},
          {"head", to_json(train_step_.classifier()->head->config)},
          {"labels", set_.labels},
          {"videos_sha256", set_.identity},
          {"cache_key", data::to_json(set_.key)}};
}

void Trainer::resume(const core::Checkpoint& checkpoint) {
  require_same(to_json(config_), checkpoint.state.value("model", json::object()), checkpoint.directory);
  require_same(to_json(train_step_.classifier()->head->config), checkpoint.state.value("head", json::object()),
               checkpoint.directory);
  require_same(recipe(), checkpoint.state.value("recipe", json::object()), checkpoint.directory);
  require_same({{"videos_sha256", set_.identity}}, checkpoint.state, checkpoint.directory);
  data::require_equal(data::cache_key_from_json(checkpoint.state.at("cache_key"), checkpoint.directory), set_.key,
                      set_.where);
  core::load_state(*train_step_.classifier(), checkpoint.model, checkpoint.directory + "/model.safetensors");
  train_step_.optimizer().load_state(checkpoint.optimizer, checkpoint.directory + "/optimizer.safetensors");
  step_ = checkpoint.step;
  skipped_ = checkpoint.state.value("skipped_steps", int64_t{0});
  resumes_ = checkpoint.state.value("resumes", int64_t{0}) + (step_ < steps_ ? 1 : 0);
  if (!world_.is_root() || step_ >= steps_) return;
  core::log_info() << "resuming from " << checkpoint.directory << " at step " << step_ << " of " << steps_;
  run_->log({{"event", "resumed"}, {"step", step_}, {"checkpoint", checkpoint.directory}});
}

void Trainer::set_status(const char* state) {
  if (!world_.is_root()) return;
  run_->set_status({{"state", state},
                    {"step", step_},
                    {"steps", steps_},
                    {"epoch", epoch()},
                    {"ranks", world_.size()},
                    {"resumes", resumes_},
                    {"skipped_steps", skipped_}});
}

// On rank 0. What it takes is the copy, and waiting for the checkpoint before where that is not on disk yet.
void Trainer::save() {
  watchdog_.enter(distributed::Phase::kCheckpoint, step_);
  last_save_ = Clock::now();
  core::Checkpoint checkpoint;
  checkpoint.step = step_;
  checkpoint.model = core::state_of(*train_step_.classifier());
  checkpoint.optimizer = train_step_.optimizer().state();
  checkpoint.state = state();
  writer_->save(checkpoint);
  log_.add_checkpoint(seconds_since(last_save_));
}

// A run is over when its last checkpoint is on disk.
void Trainer::finish(const char* state) {
  watchdog_.enter(distributed::Phase::kShutdown, step_);
  if (writer_) writer_->finish();
  world_.barrier();
  set_status(state);
}

}  // namespace permafrost::launch
