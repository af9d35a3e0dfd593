#include "launch/training/trainer.h"

#include <torch/types.h>

#include <cmath>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/checkpoint/state.h"
#include "core/encoder/precision.h"
#include "core/recipe/mix.h"
#include "core/recipe/schedule.h"
#include "distributed/process_group.h"
#include "launch/geometry.h"
#include "launch/timing.h"
#include "launch/training/initial_weights.h"
#include "launch/training/mix_groups.h"
#include "launch/training/text_head.h"
#include "launch/training/trained_model.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

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
  if (settings.model.head == "text") config.embedding = text_width(settings.path.text);
  core::require_sound(config);
  return config;
}

core::Classifier make_classifier(const Settings& settings, const core::DistConfig& config,
                                 const std::vector<std::string>& labels, torch::Device device) {
  core::Classifier classifier(config, make_head_config(settings.model.head, labels));
  core::initialise(*classifier, static_cast<uint64_t>(settings.recipe.seed));
  fill_text_head(classifier->head, settings.path.text, labels);
  classifier->precision = core::precision_named(settings.train.precision);
  classifier->to(device);
  return classifier;
}

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

int64_t hits_of(const core::HeadImpl& head, const std::vector<torch::Tensor>& logits, const torch::Tensor& labels) {
  const torch::NoGradGuard no_grad;
  return head.scores(logits).slice(1, 0, head.config.classes).argmax(1).eq(labels).sum().item<int64_t>();
}

TrainStepOptions step_options(const Settings& settings, const distributed::Communicator& world) {
  return {.clips = settings.recipe.batch,
          .ranks = world.size(),
          .weight_decay = settings.recipe.weight_decay,
          .label_smoothing = settings.recipe.label_smoothing,
          .bucket_bytes = settings.train.bucket_mib << 20};
}

}  // namespace

Trainer::Trainer(const Settings& settings, TrainingSet set, torch::Device device, distributed::Communicator& world,
                 std::optional<RunDirectory>& run)
    : settings_(settings),
      set_(std::move(set)),
      device_(device),
      world_(world),
      run_(run),
      config_(config_of(settings, set_)),
      order_{.seed = static_cast<uint64_t>(settings.recipe.seed),
             .samples = set_.clips->size(),
             .global_batch = settings.recipe.batch,
             .is_training = true},
      first_clip_(world.rank() * settings.recipe.batch / world.size()),
      steps_per_epoch_(data::batches_per_epoch(order_)),
      steps_(static_cast<int64_t>(std::ceil(settings.recipe.schedule.epochs * static_cast<double>(steps_per_epoch_)))),
      train_step_(make_classifier(settings, config_, set_.labels, device), step_options(settings, world),
                  distributed::make_process_group(world, device)),
      decoder_(set_.clips->codec(), device) {
  require_whole_groups(settings, world.size());
  if (settings.recipe.batch < world.size()) {
    throw core::ConfigError("option 'recipe.batch' is " + std::to_string(settings.recipe.batch) +
                            ", expected at least one clip for each of the " + std::to_string(world.size()) + " ranks");
  }
  if (world.is_root()) store_.emplace(run_->checkpoints(), settings.train.keep_checkpoints);
  // Rank 0 decides what is read, so that all ranks go on from the same checkpoint.
  std::optional<core::Checkpoint> newest;
  if (world.is_root()) newest = store_->load_newest();
  const std::string directory = world.broadcast(newest ? newest->directory : "");
  if (!directory.empty()) {
    resume(newest ? *newest : core::read_checkpoint(directory));
  } else if (!settings.path.init_from.empty()) {
    load_initial_weights(train_step_.classifier()->dist_net, settings.path.init_from);
  }
  train_step_.broadcast_weights();
}

json Trainer::recipe() const {
  const RecipeSettings& recipe = settings_.recipe;
  return {{"epochs", recipe.schedule.epochs},
          {"learning_rate", recipe.schedule.learning_rate},
          {"warmup_epochs", recipe.schedule.warmup_epochs},
          {"warmup_start", recipe.schedule.warmup_start},
          {"weight_decay", recipe.weight_decay},
          {"label_smoothing", recipe.label_smoothing},
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
  resumes_ = checkpoint.state.value("resumes", int64_t{0}) + (step_ < steps_ ? 1 : 0);
  if (!world_.is_root() || step_ >= steps_) return;
  core::log_info() << "resuming from " << checkpoint.directory << " at step " << step_ << " of " << steps_;
  run_->log({{"event", "resumed"}, {"step", step_}, {"checkpoint", checkpoint.directory}});
}

double Trainer::epoch() const { return static_cast<double>(step_) / static_cast<double>(steps_per_epoch_); }

bool Trainer::is_checkpoint_due() const {
  return step_ == steps_ || step_ % (steps_per_epoch_ * settings_.train.checkpoint_every_epochs) == 0;
}

void Trainer::set_status(const char* state) {
  if (!world_.is_root()) return;
  run_->set_status({{"state", state},
                    {"step", step_},
                    {"steps", steps_},
                    {"epoch", epoch()},
                    {"ranks", world_.size()},
                    {"resumes", resumes_}});
}

void Trainer::save() {
  const Clock::time_point start = Clock::now();
  if (world_.is_root()) {
    core::Checkpoint checkpoint;
    checkpoint.step = step_;
    checkpoint.model = core::state_of(*train_step_.classifier());
    checkpoint.optimizer = train_step_.optimizer().state();
    checkpoint.state = state();
    store_->save(checkpoint);
  }
  world_.barrier();
  log_.add_checkpoint(seconds_since(start));
}

void Trainer::add(const data::Batch& batch, int64_t begin, int64_t end) {
  // The loss is waited for below, so nothing is still being copied when the batch is given back.
  const auto on_device = [&](const torch::Tensor& tensor) {
    return tensor.slice(0, begin, end).to(device_, /*non_blocking=*/true);
  };
  const core::BatchMix mix = core::draw_batch_mix(
      settings_.recipe.mix, {order_.seed, batch.cursor.epoch, batch.cursor.batch, first_clip_ + begin}, end - begin,
      config_.image_size);
  const torch::Tensor pixels = core::mix_pixels(on_device(batch.pixels), mix);  // [b, F, 3, S, S]
  const torch::Tensor decoded = decoder_.decode(batch.coded.slice(0, begin, end));
  const torch::Tensor features =
      core::mix_features(decoded, mix, config_.image_size, config_.patch_size);  // [b, N, t, L, C]
  const torch::Tensor labels = on_device(batch.targets);
  const core::HeadImpl& head = *train_step_.classifier()->head;
  const Forward forward = train_step_.add(pixels, features, core::soft_targets(labels, head.config.classes, mix),
                                          /*is_last=*/end == batch.size());
  log_.add_loss(forward.loss, hits_of(head, forward.logits, labels), end - begin);
}

void Trainer::step_once(const data::Batch& batch) {
  const int64_t micro = settings_.train.micro_batch > 0 ? settings_.train.micro_batch : batch.size();
  for (int64_t begin = 0; begin < batch.size(); begin += micro) {
    add(batch, begin, std::min(begin + micro, batch.size()));
  }
  const double norm = train_step_.finish_gradient();
  if (!std::isfinite(norm)) {  // the same number on every rank, so all stop here
    throw core::DataError("step " + std::to_string(step_) +
                          ": the gradient is not finite: lower recipe.learning_rate, or verify the cache");
  }
  log_.set_gradient_norm(norm);
  train_step_.update(core::learning_rate_at(epoch(), settings_.recipe.schedule));
  ++step_;
}

int Trainer::train() {
  if (step_ >= steps_) {
    if (world_.is_root()) core::log_info() << run_->path() << ": complete after " << step_ << " steps, nothing to do";
    return core::kExitDone;
  }
  distributed::StopSignal stop;
  data::ClipLoader loader(*set_.clips, requests(),
                          {.threads = settings_.train.loader_threads,
                           .batches_ahead = settings_.train.prefetch_batches,
                           .is_pinned = device_.is_cuda()});
  set_status("running");
  while (step_ < steps_) {
    const Clock::time_point start = Clock::now();
    const double waited = loader.wait_seconds();
    const std::optional<data::Batch> batch = loader.next();
    PERMAFROST_CHECK(batch.has_value(), "the loader ends with the last step");
    step_once(*batch);
    log_.add_step(seconds_since(start), loader.wait_seconds() - waited);
    const bool is_stopping = stop.agreed(world_);
    if (is_checkpoint_due() || is_stopping) save();
    if (step_ % settings_.train.log_every_steps == 0 || step_ == steps_ || is_stopping) write_line();
    if (is_stopping && step_ < steps_) {
      if (world_.is_root()) run_->log({{"event", "stopped"}, {"step", step_}});
      set_status("stopped");
      return core::kExitRequeue;
    }
  }
  set_status("done");
  return core::kExitDone;
}

void Trainer::write_line() {
  json line = log_.take(world_);
  if (!world_.is_root()) return;
  line["step"] = step_;
  line["steps"] = steps_;
  line["epoch"] = epoch();
  line["learning_rate"] = core::learning_rate_at(epoch(), settings_.recipe.schedule);
  run_->log(line);
  set_status("running");
  char text[200];
  std::snprintf(text, sizeof text,
                "step %lld/%lld epoch %.2f loss %.4f top-1 %.1f%% lr %.2e %.1f clips/s data %.1f ms compute %.1f ms",
                static_cast<long long>(step_), static_cast<long long>(steps_), epoch(), line["loss"].get<double>(),
                100 * line["top1"].get<double>(), line["learning_rate"].get<double>(),
                line["samples_per_second"].get<double>(), line["data_ms"].get<double>(),
                line["compute_ms"].get<double>());
  core::log_info() << text;
}

}  // namespace permafrost::launch
