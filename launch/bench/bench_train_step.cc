#include <ATen/record_function.h>

#include <filesystem>
#include <functional>
#include <map>
#include <memory>

#include "core/base/error.h"
#include "core/checkpoint/checkpoint_writer.h"
#include "core/checkpoint/state.h"
#include "core/dist/cost.h"
#include "core/recipe/mix.h"
#include "data/cache/cache_reader.h"
#include "data/cache/feature_decoder.h"
#include "data/loader/cached_clips.h"
#include "data/loader/clip_loader.h"
#include "launch/bench/bench_compute.h"
#include "launch/bench/random_cache.h"
#include "launch/bench/step_profile.h"
#include "launch/geometry.h"
#include "launch/timing.h"
#include "launch/training/train_step.h"

namespace permafrost::launch {
namespace {

constexpr int64_t kClasses = 400;
constexpr int64_t kBatchesInCache = 4;
constexpr int64_t kCheckpointRounds = 3;
constexpr double kLearningRate = 1e-4;
constexpr size_t kOperatorsTold = 6;

struct Clips {
  torch::Tensor pixels;    // uint8 [b, F, 3, S, S]
  torch::Tensor features;  // [b, N, t, L, C]
};

// Gives the clips of the next step.
using Source = std::function<Clips()>;

class CachedSource {
 public:
  CachedSource(const data::CacheKey& key, const Settings& settings, const ComputeBench& bench)
      : device_(bench.device),
        files_(key, kBatchesInCache * bench.batch, settings.cache.bits),
        cache_(files_.directory()),
        clips_(cache_, "train", data::ViewPolicy::kOnePerEpoch),
        requests_({.seed = 1, .samples = clips_.size(), .global_batch = bench.batch}, {}, int64_t{1} << 40, 0, 1),
        decoder_(clips_.codec(), device_, bench.type),
        loader_(clips_, [this] { return requests_.next(); },
                {.threads = settings.train.loader_threads,
                 .batches_ahead = settings.train.prefetch_batches,
                 .is_pinned = device_.is_cuda()}) {}

  Clips next() {
    batch_ = *loader_.next();  // kept until the next is asked for: by then it has been copied
    return {batch_.pixels.to(device_, /*non_blocking=*/true), decoder_.decode(batch_.coded)};
  }

 private:
  torch::Device device_;
  RandomCache files_;
  data::CacheReader cache_;
  data::CachedClips clips_;
  data::BatchRequests requests_;
  data::FeatureDecoder decoder_;
  data::Batch batch_;
  data::ClipLoader loader_;  // last: its threads read the others
};

core::DistConfig network_of(const Settings& settings, const core::VisionConfig& vision,
                            const std::vector<int64_t>& layers) {
  core::DistConfig network = make_dist_config(settings, vision);
  network.layers = static_cast<int64_t>(layers.size());
  return network;
}

class StepBench {
 public:
  StepBench(const ComputeBench& bench, const Settings& settings)
      : bench_(bench),
        settings_(settings),
        layers_(layers_named(settings.cache.layers, bench.vision.layers)),
        network_(network_of(settings, bench.vision, layers_)),
        step_(make_classifier(), {.clips = bench.batch}, nullptr),
        pixels_(torch::randint(256, {bench.batch, network_.frames, 3, network_.image_size, network_.image_size},
                               torch::TensorOptions(torch::kUInt8).device(bench.device))),
        targets_(core::soft_targets(torch::zeros({bench.batch}, torch::kInt64), kClasses, {}).to(bench.device)) {}

  std::vector<ComputeRate> run(const std::vector<std::string>& kinds) {
    std::vector<Source> sources;
    for (const std::string& kind : kinds) sources.push_back(source_of(kind));
    std::vector<std::vector<double>> seconds(kinds.size());
    for (int64_t round = -1; round < bench_.rounds; ++round) {
      for (size_t i = 0; i < kinds.size(); ++i) {
        const Clock::time_point start = Clock::now();
        take(sources[i]);
        wait_for(bench_.device);
        if (round >= 0) seconds[i].push_back(seconds_since(start));
      }
    }
    std::vector<ComputeRate> rates;
    for (size_t i = 0; i < kinds.size(); ++i) {
      rates.push_back(rate_of(kinds[i], static_cast<double>(bench_.batch), flops_of(kinds[i]), seconds[i]));
    }
    return rates;
  }

  CheckpointCost checkpoint() {
    const Source source = memory_source();
    const TemporaryFolder folder;
    core::CheckpointStore store(folder.path(), /*keep=*/1);
    core::CheckpointWriter writer(store);
    take(source);
    save(writer);  // what is set up once
    std::vector<double> copies, writes, with, without;
    for (int64_t round = 0; round < kCheckpointRounds; ++round) {
      writer.finish();
      without.push_back(seconds_of_block(source, [](int64_t) {}));
      double written = 0;
      Clock::time_point asked;
      with.push_back(seconds_of_block(source, [&](int64_t step) {
        if (step == 0) {
          asked = Clock::now();
          save(writer);
          copies.push_back(seconds_since(asked));
        }
        if (written == 0 && !writer.is_writing()) written = seconds_since(asked);
      }));
      writer.finish();
      writes.push_back(written > 0 ? written : seconds_since(asked));
    }
    double bytes = 0;
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder.path())) {
      if (entry.is_regular_file()) bytes += static_cast<double>(entry.file_size());
    }
    return {bytes, median(copies), median(writes), median(with), median(without)};
  }

  std::vector<StepPart> profile() {
    const Source source = memory_source();
    take(source);
    std::map<std::string, StepPart> parts;
    for (const core::PartCost& cost : core::multiply_adds_by_part(network_)) {
      parts[cost.part].flops = 2 * static_cast<double>(bench_.batch) * cost.step();
    }
    const StepProfile profile;
    for (int64_t round = 0; round < bench_.rounds; ++round) take(source);
    for (const ProfileRow& row : profile.rows()) {
      StepPart& part = parts[row.part];
      const double seconds = row.seconds / static_cast<double>(bench_.rounds);
      part.seconds += seconds;
      if (part.operators.size() < kOperatorsTold) part.operators.emplace_back(row.operator_name, seconds);
    }
    std::vector<StepPart> result;
    for (auto& [name, part] : parts) {
      part.part = name;
      result.push_back(std::move(part));
    }
    return result;
  }

 private:
  core::Classifier make_classifier() const {
    core::Classifier classifier(network_, core::HeadConfig{.kind = core::HeadKind::kLinear, .classes = kClasses});
    core::initialise(*classifier, /*seed=*/0);
    classifier->precision = bench_.type;
    classifier->dist_net->recomputes = settings_.train.recompute == "layers";
    classifier->to(bench_.device);
    return classifier;
  }

  void take(const Source& source) {
    const Clips clips = source();
    step_.add(clips.pixels, clips.features, targets_, /*is_last=*/true);
    RECORD_USER_SCOPE("optimizer");
    step_.finish_gradient();
    step_.update(kLearningRate);
  }

  void save(core::CheckpointWriter& writer) {
    writer.save({.step = 1,
                 .model = core::state_of(*step_.classifier()),
                 .optimizer = step_.optimizer().state(),
                 .state = nlohmann::json::object(),
                 .directory = ""});
  }

  // after(step), after each.
  template <class After>
  double seconds_of_block(const Source& source, const After& after) {
    const Clock::time_point start = Clock::now();
    for (int64_t step = 0; step < bench_.rounds; ++step) {
      take(source);
      after(step);
    }
    wait_for(bench_.device);
    return seconds_since(start);
  }

  double flops_of(const std::string& kind) const {
    core::VisionConfig run = bench_.vision;
    run.layers = layers_.back() + 1;  // the rest is not
    const double frozen = static_cast<double>(network_.spatial_frames()) * core::encoder_multiply_adds(run);
    const double clip = core::step_multiply_adds(network_) + (kind == "online" ? frozen : 0);
    return 2 * static_cast<double>(bench_.batch) * clip;
  }

  Source source_of(const std::string& kind) const {
    if (kind == "memory") return memory_source();
    if (kind == "cached") {
      data::CacheKey key = clip_key(settings_, bench_.vision);
      key.encoder_sha256 = "random";
      const auto cached = std::make_shared<CachedSource>(key, settings_, bench_);
      return [cached] { return cached->next(); };
    }
    if (kind == "online") return online_source();
    throw core::ConfigError("option 'bench.features' is '" + kind + "', expected memory, cached or online");
  }

  Source memory_source() const {
    const torch::Tensor features = torch::randn(
        {network_.layers, bench_.batch, network_.spatial_frames(), network_.tokens(), network_.width},
        torch::TensorOptions(bench_.device.is_cpu() ? bench_.type : torch::kFloat32).device(bench_.device));
    const Clips clips{pixels_, features.transpose(0, 1)};
    return [clips] { return clips; };
  }

  Source online_source() const {
    const auto encoder = std::make_shared<core::FrozenEncoder>(random_encoder(bench_));
    return [this, encoder] {
      const torch::Tensor frames =
          pixels_.slice(1, 0, network_.frames, network_.alpha).flatten(0, 1);   // [b*t, 3, S, S]
      const torch::Tensor layers = encoder->complete(frames, {}, {}, layers_);  // [N, b*t, L, C]
      return Clips{pixels_, layers.unflatten(1, {bench_.batch, network_.spatial_frames()}).transpose(0, 1)};
    };
  }

  ComputeBench bench_;
  const Settings& settings_;
  std::vector<int64_t> layers_;
  core::DistConfig network_;
  TrainStep step_;
  torch::Tensor pixels_, targets_;
};

}  // namespace

std::vector<StepPart> profile_train_step(const ComputeBench& bench, const Settings& settings) {
  return StepBench(bench, settings).profile();
}

CheckpointCost bench_checkpoint(const ComputeBench& bench, const Settings& settings) {
  return StepBench(bench, settings).checkpoint();
}

std::vector<ComputeRate> bench_train_step(const ComputeBench& bench, const Settings& settings,
                                          const std::vector<std::string>& features) {
  return StepBench(bench, settings).run(features);
}

}  // namespace permafrost::launch
