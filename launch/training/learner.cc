#include "launch/training/learner.h"

#include <torch/types.h>

#include <cmath>
#include <filesystem>
#include <utility>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/checkpoint/state.h"
#include "core/encoder/precision.h"
#include "core/recipe/schedule.h"
#include "launch/geometry.h"
#include "launch/progress.h"
#include "launch/training/initial_weights.h"
#include "launch/training/text_head.h"
#include "launch/training/trained_model.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

constexpr double kStraggles = 1.5;  // times the mean
constexpr char kDiverged[] = "diverged.json";

// What the cache holds decides the geometry; the settings decide the rest.
core::DistConfig config_of(const Settings& settings, const TrainingSet& set) {
  const data::CacheKey& key = set.key;
  core::VisionConfig vision;
  vision.image_size = key.image_size;
  vision.patch_size = key.patch_size;
  vision.width = key.width;
  vision.layers = key.layers_total;
  require_architecture(settings, vision, set.where);
  core::DistConfig config = make_dist_config(settings, vision);
  config.frames = key.frames;
  config.alpha = key.alpha;
  config.patch_size = key.token_size();
  config.layers = static_cast<int64_t>(key.selected_layers.size());
  if (settings.model.head == "text") {
    config.embedding = text_width(settings.path.text);
  } else if (!settings.path.text.empty()) {
    throw core::ConfigError("option 'text' is '" + settings.path.text + "', expected none: a " + settings.model.head +
                            " head has no use for class texts: leave it out, or choose model.head = text");
  }
  core::require_sound(config);
  return config;
}

core::Classifier make_classifier(const Settings& settings, const core::DistConfig& config,
                                 const std::vector<std::string>& labels, torch::Device device) {
  core::Classifier classifier(config, make_head_config(settings.model.head, labels));
  core::initialise(*classifier, static_cast<uint64_t>(settings.recipe.seed));
  fill_text_head(classifier->head, settings.path.text, labels);
  classifier->dist_net->recomputes = settings.train.recompute == "layers";
  classifier->precision = core::precision_named(settings.train.precision);
  classifier->to(device);
  return classifier;
}

int64_t hits_of(const core::HeadImpl& head, const std::vector<torch::Tensor>& logits, const torch::Tensor& labels) {
  const torch::NoGradGuard no_grad;
  return head.scores(logits).slice(1, 0, head.config.classes).argmax(1).eq(labels).sum().item<int64_t>();
}

TrainStepOptions step_options(const Settings& settings, int64_t ranks) {
  return {.clips = settings.recipe.batch,
          .ranks = ranks,
          .weight_decay = settings.recipe.weight_decay,
          .label_smoothing = settings.recipe.label_smoothing,
          .clip_norm = settings.recipe.clip_norm,
          .bucket_bytes = settings.train.bucket_mib << 20};
}

}  // namespace

Learner::Learner(const Settings& settings, const TrainingSet& set, const TrainingPlace& place, const Course& course,
                 const c10::intrusive_ptr<c10d::ProcessGroup>& group, const std::string& run)
    : settings_(settings),
      set_(set),
      place_(place),
      course_(course),
      config_(config_of(settings, set)),
      train_step_(make_classifier(settings, config_, set.labels, place.device),
                  step_options(settings, place.world.size()), group) {
  if (place.world.is_root()) {
    lock_.emplace(run);
    run_.emplace(run);
    store_.emplace(run_->checkpoints(), settings.train.keep_checkpoints);
    writer_.emplace(*store_);
  }
  // Rank 0 decides what is read, so that all ranks go on from the same checkpoint.
  std::optional<core::Checkpoint> newest;
  if (store_) newest = store_->load_newest();
  const std::string directory = place_.world.broadcast(newest ? newest->directory : "");
  if (!newest && !directory.empty()) newest = core::read_checkpoint(directory);
  if (newest) {
    resume(*newest);
  } else if (!settings.path.init_from.empty()) {
    load_initial_weights(train_step_.classifier()->dist_net, settings.path.init_from);
  }
  train_step_.broadcast_weights();
  if (settings.recipe.ema_decay > 0) {
    average_.emplace(train_step_.parameters(), settings.recipe.ema_decay);
    if (newest) average_->load_state(newest->optimizer, directory + "/optimizer.safetensors");
  }
  // A file tells it, as the checkpoint that is there is older. A network alone was ended by an error, and tries again.
  const bool is_marked = run_ && !settings.sweep.empty() && std::filesystem::exists(run_->path() + "/" + kDiverged);
  has_diverged_ = place_.world.all_reduce_max(is_marked ? 1 : 0) != 0;
  if (is_marked)
    core::log_warning() << run << ": diverged, and is left out: remove its " << kDiverged << " to try again";
  evaluated_step_ =
      place_.world.all_reduce_max(run_ && !evaluation_.is_null() ? evaluation_["step"].get<int64_t>() : 0);
  if (!is_complete()) set_status("running");
  if (run_ && !is_complete()) run_->start_events(step_);
}

void Learner::add(const Examples& examples, bool is_last) {
  const Forward forward = train_step_.add(examples.pixels, examples.features, examples.targets, is_last);
  log_.add_loss(forward.loss, hits_of(*train_step_.classifier()->head, forward.logits, examples.labels),
                examples.labels.size(0));
}

void Learner::finish_step(const Clock::time_point& start, double data_seconds) {
  const double norm = train_step_.finish_gradient();  // the same number on every rank, so all do the same
  if (std::isfinite(norm)) {
    log_.set_gradient_norm(norm);
    train_step_.update(core::learning_rate_at(epoch(), settings_.recipe.schedule));
    if (average_) average_->update();
    skipped_in_a_row_ = 0;
  } else {
    skip();
  }
  if (has_diverged_) return;
  ++step_;
  log_.add_step(seconds_since(start), data_seconds);
  log_.add_communication(train_step_.bucket_times());
}

void Learner::skip() {
  train_step_.skip();
  const int64_t step = step_ + 1;
  ++skipped_;
  ++skipped_in_a_row_;
  if (skipped_in_a_row_ > settings_.train.most_skipped_steps) {
    const std::string fault = settings_.path.run + ": step " + std::to_string(step) +
                              ": the gradient is not finite, in " + std::to_string(skipped_in_a_row_) +
                              " steps in a row: lower recipe.learning_rate, or verify the cache";
    if (settings_.sweep.empty()) throw core::DataError(fault);
    has_diverged_ = true;
    if (!run_) return;
    core::log_error() << fault << "; the sweep goes on without it";
    run_->write(kDiverged, {{"step", step}});
    return;
  }
  if (!run_) return;
  core::log_warning() << settings_.path.run << ": step " << step << " skipped: its gradient is not finite";
  run_->log({{"event", "skipped"}, {"step", step}});
}

bool Learner::is_evaluation_due() const {
  const int64_t epochs = settings_.train.evaluate_every_epochs;
  return epochs > 0 && step_ > evaluated_step_ && (is_done() || step_ % (course_.steps_per_epoch * epochs) == 0);
}

bool Learner::is_checkpoint_due() const {
  const TrainSettings& train = settings_.train;
  return is_done() || step_ % (course_.steps_per_epoch * train.checkpoint_every_epochs) == 0 || is_evaluation_due() ||
         (train.checkpoint_every_steps > 0 && step_ % train.checkpoint_every_steps == 0) ||
         (train.checkpoint_every_minutes > 0 && seconds_since(last_save_) >= 60 * train.checkpoint_every_minutes);
}

// The evaluation comes after the checkpoint: it may take longer than a job has left.
bool Learner::keep(bool is_stopping) {
  if (step_ % settings_.train.log_every_steps == 0 || is_done() || is_stopping) write_line();
  if (writer_) {
    writer_->poll();
    if (is_checkpoint_due() || is_stopping) save();
  }
  return catch_up(is_stopping);
}

bool Learner::catch_up(bool is_stopping) {
  if (is_stopping || has_diverged_ || !is_evaluation_due()) return is_stopping;
  return !evaluate_now();
}

// With the average of the weights where one is kept. Nothing of it reaches the next step. Returns whether it came to
// its end.
bool Learner::evaluate_now() {
  std::optional<core::WeightAverage::InUse> in_use;
  if (average_) in_use.emplace(*average_);
  TrainedModel model{.classifier = train_step_.classifier(),
                     .device = place_.device,
                     .labels = data::LabelMap(set_.labels),
                     .key = set_.key,
                     .step = step_};
  const auto scores = evaluate(model, {*set_.validation, set_.validation_videos, set_.validation_views}, place_.world,
                               settings_.eval.batch, kReaderThreads, [&] {
                                 place_.watchdog.enter(distributed::Phase::kEvaluation, step_);
                                 return !place_.stop.requested();
                               });
  if (!scores) return false;
  evaluated_step_ = step_;
  if (!run_) return true;
  const json result = summarise(*scores, {model.labels, model.classifier->head->config});
  evaluation_ = {{"step", step_}};
  for (const char* name : {"top1", "top5", "videos", "failed", "verb_top1", "noun_top1"}) {
    if (result.contains(name)) evaluation_[name] = result[name];
  }
  json line = evaluation_;
  line["event"] = "evaluated";
  line["epoch"] = epoch();
  run_->log(line);
  core::log_info() << run_->path() << ": step " << step_ << ": validation top-1 "
                   << 100 * evaluation_["top1"].get<double>() << " % of " << evaluation_["videos"] << " videos";
  writer_->finish();
  store_->add_evaluation(step_, evaluation_);
  set_status("running");
  return true;
}

void Learner::write_line() {
  json line = log_.take(place_.world);
  if (!run_) return;
  line["step"] = step_;
  line["steps"] = course_.steps;
  line["ranks"] = place_.world.size();
  line["epoch"] = epoch();
  line["learning_rate"] = core::learning_rate_at(epoch(), settings_.recipe.schedule);
  line["seconds_left"] =
      static_cast<double>((course_.steps - step_) * settings_.recipe.batch) / line["samples_per_second"].get<double>();
  run_->log(line);
  last_line_ = line;
  const bool is_first = !std::exchange(has_written_line_, true);  // of this start: its first step is like no other
  set_status("running");
  if (const double times = line["slowest_over_mean"].get<double>(); times > kStraggles && !is_first) {
    core::log_warning() << place_.watchdog.name_of(line["slowest_rank"].get<int>())
                        << " is slow: since the last line its steps took " << times << " times the mean of all ranks";
  }
  char text[300];
  std::snprintf(text, sizeof text,
                "step %lld/%lld epoch %.2f loss %.4f top-1 %.1f%% lr %.2e %.1f clips/s data %.1f ms compute %.1f ms "
                "communication %.1f ms, %.1f GB, %s to go",
                static_cast<long long>(step_), static_cast<long long>(course_.steps), epoch(),
                line["loss"].get<double>(), 100 * line["top1"].get<double>(), line["learning_rate"].get<double>(),
                line["samples_per_second"].get<double>(), line["data_ms"].get<double>(),
                line["compute_ms"].get<double>(), line["communication_ms"].get<double>(),
                line["memory_bytes"].get<double>() / 1e9, duration_text(line["seconds_left"].get<double>()).c_str());
  core::log_info() << (settings_.sweep.empty() ? "" : settings_.path.run + ": ") << text;
}

json Learner::summary() const {
  json summary{{"step", step_}, {"skipped_steps", skipped_}, {"diverged", has_diverged_}};
  for (const char* name : {"loss", "top1"}) {
    if (last_line_.contains(name)) summary[name] = last_line_[name];
  }
  if (!evaluation_.is_null()) summary["validation_top1"] = evaluation_["top1"];
  return summary;
}

}  // namespace permafrost::launch
