// What a run remembers: the state of a checkpoint, status.json, and how to go on from them.
#include "core/base/error.h"
#include "core/base/log.h"
#include "core/checkpoint/state.h"
#include "launch/training/learner.h"
#include "launch/training/trained_model.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

// Throws ConfigError naming each field that differs.
void require_same(const json& expected, const json& found, const std::string& where) {
  std::string faults;
  for (const auto& [name, value] : expected.items()) {
    const bool is_off = !found.contains(name) && value == 0;  // an option younger than the run
    if (!is_off && found.value(name, json()) != value) {
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

json Learner::recipe() const {
  const RecipeSettings& recipe = settings_.recipe;
  return {{"epochs", recipe.schedule.epochs},
          {"learning_rate", recipe.schedule.learning_rate},
          {"warmup_epochs", recipe.schedule.warmup_epochs},
          {"warmup_start", recipe.schedule.warmup_start},
          {"weight_decay", recipe.weight_decay},
          {"label_smoothing", recipe.label_smoothing},
          {"clip_norm", recipe.clip_norm},
          {"ema_decay", recipe.ema_decay},
          {"mixup", recipe.mix.mixup},
          {"cutmix", recipe.mix.cutmix},
          {"cutmix_probability", recipe.mix.cutmix_probability},
          {"mix_group", recipe.mix.group},
          {"batch", recipe.batch},
          {"precision", settings_.train.precision},
          {"seed", recipe.seed}};
}

json Learner::state() const {
  json state{{"steps", course_.steps},
             {"epoch", epoch()},
             {"cursor", {{"epoch", step_ / course_.steps_per_epoch}, {"batch", step_ % course_.steps_per_epoch}}},
             {"ranks", place_.world.size()},
             {"resumes", resumes_},
             {"skipped_steps", skipped_},
             {"recipe", recipe()},
             {"init_from", settings_.path.init_from},
             {"model", to_json(config_)},
             {"head", to_json(train_step_.classifier()->head->config)},
             {"labels", set_.labels},
             {"videos_sha256", set_.identity},
             {"cache_key", data::to_json(set_.key)}};
  // For what is told of the run: of the steps and the evaluation before this checkpoint.
  state["last_evaluation"] = evaluation_;
  for (const char* name : {"loss", "top1"}) {
    if (last_line_.contains(name)) state["last_line"][name] = last_line_[name];
  }
  return state;
}

void Learner::resume(const core::Checkpoint& checkpoint) {
  if (checkpoint.state.contains("imported_from")) {
    throw core::ConfigError(checkpoint.directory +
                            ": expected a training that can go on, found imported weights: give " +
                            "another --run, and this one as --init-from");
  }
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
  evaluation_ =
      checkpoint.evaluation.is_null() ? checkpoint.state.value("last_evaluation", json()) : checkpoint.evaluation;
  last_line_ = checkpoint.state.value("last_line", json());
  skipped_ = checkpoint.state.value("skipped_steps", int64_t{0});
  resumes_ = checkpoint.state.value("resumes", int64_t{0}) + (step_ < course_.steps ? 1 : 0);
  if (!run_ || is_done()) return;
  core::log_info() << "resuming from " << checkpoint.directory << " at step " << step_ << " of " << course_.steps;
  run_->log({{"event", "resumed"}, {"step", step_}, {"checkpoint", checkpoint.directory}});
}

void Learner::set_status(const char* state) {
  if (!run_) return;
  json status{{"state", state},
              {"step", step_},
              {"steps", course_.steps},
              {"epoch", epoch()},
              {"ranks", place_.world.size()},
              {"resumes", resumes_},
              {"skipped_steps", skipped_}};
  if (!evaluation_.is_null()) status["validation"] = evaluation_;
  run_->set_status(status);
}

// On rank 0. What it takes is the copy, and waiting for the checkpoint before where that is not on disk yet.
void Learner::save() {
  place_.watchdog.enter(distributed::Phase::kCheckpoint, step_);
  last_save_ = Clock::now();
  core::Checkpoint checkpoint;
  checkpoint.step = step_;
  checkpoint.model = core::state_of(*train_step_.classifier());
  checkpoint.optimizer = train_step_.optimizer().state();
  if (average_) checkpoint.optimizer.merge(average_->state());
  checkpoint.state = state();
  writer_->save(checkpoint);
  log_.add_checkpoint(seconds_since(last_save_));
}

// A run is over when its last checkpoint is on disk; the trainer waits for all ranks before.
void Learner::finish() {
  place_.watchdog.enter(distributed::Phase::kShutdown, step_);
  if (run_ && !is_complete()) run_->log({{"event", "stopped"}, {"step", step_}});
  if (writer_) writer_->finish();
  set_status(has_diverged_ ? "failed" : is_complete() ? "done" : "stopped");
}

}  // namespace permafrost::launch
