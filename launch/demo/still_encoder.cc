#include "launch/demo/still_encoder.h"

#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <vector>

#include "core/base/error.h"
#include "core/base/log.h"
#include "core/base/random.h"
#include "core/encoder/layers.h"
#include "core/recipe/optimizer.h"
#include "data/video/transform.h"
#include "launch/demo/motion_scene.h"

namespace permafrost::launch {
namespace {

constexpr uint64_t kBatchStream = 4;  // beside those of motion_scene.cc

struct Stills {
  torch::Tensor pixels;   // uint8 [M, 3, S, S]
  torch::Tensor objects;  // int64 [M]
};

// Images first..first+count-1, objects in turn.
Stills render_stills(const StillEncoderOptions& options, int64_t first, int64_t count) {
  std::vector<torch::Tensor> images;
  std::vector<int64_t> objects;
  for (int64_t i = first; i < first + count; ++i) {
    objects.push_back(i % kObjects);
    const Scene scene = draw_still(options.seed, static_cast<Object>(objects.back()), i);
    images.push_back(render_frame(scene, 0.0, options.frame_side));  // [3, H, W]
  }
  const torch::Tensor frames = torch::stack(images);  // [M, 3, H, W]
  return {data::resize_and_crop(frames, {.size = options.vision.image_size}), torch::tensor(objects)};
}

// The encoder with the classifier that is thrown away.
struct ObjectNamerImpl : torch::nn::Module {
  explicit ObjectNamerImpl(const core::VisionConfig& config)
      : encoder(register_module("encoder", core::VisionTransformer(config))),
        head(register_module("head", core::Linear(config.embedding, kObjects))) {}
  // uint8 [M, 3, S, S] -> [M, objects]
  torch::Tensor forward(const torch::Tensor& pixels) {
    return head(encoder->embed(encoder->forward(core::normalise_pixels(pixels)).back()));
  }
  core::VisionTransformer encoder;
  core::Linear head;
};
TORCH_MODULE(ObjectNamer);

void initialise(ObjectNamer& model, uint64_t seed) {
  core::initialise(model->encoder, seed);
  const torch::NoGradGuard no_grad;
  model->head->weight.zero_();
  model->head->bias.zero_();
}

double learning_rate_at(int64_t step, const StillEncoderOptions& options) {
  const double done = static_cast<double>(step) / static_cast<double>(options.steps);
  const double warm = static_cast<double>(step + 1) / static_cast<double>(std::max<int64_t>(options.warmup_steps, 1));
  return options.learning_rate * std::min(1.0, warm) * (1 + std::cos(std::numbers::pi * done)) / 2;
}

torch::Tensor draw_batch(const StillEncoderOptions& options, int64_t step) {
  core::RandomStream random(options.seed, {kBatchStream, static_cast<uint64_t>(step)});
  std::vector<int64_t> chosen(options.batch);
  for (int64_t& image : chosen) image = static_cast<int64_t>(random.below(options.train_images));
  return torch::tensor(chosen);
}

void train(ObjectNamer& model, const Stills& stills, const StillEncoderOptions& options) {
  std::vector<core::NamedParameter> parameters;
  for (const auto& item : model->named_parameters()) parameters.push_back({item.key(), item.value()});
  core::AdamW optimizer(parameters, {.weight_decay = options.weight_decay});
  for (int64_t step = 0; step < options.steps; ++step) {
    const torch::Tensor batch = draw_batch(options, step);
    const torch::Tensor logits = model(stills.pixels.index_select(0, batch));
    const torch::Tensor loss = torch::cross_entropy_loss(logits, stills.objects.index_select(0, batch));
    model->zero_grad();
    loss.backward();
    optimizer.step(learning_rate_at(step, options));
    if ((step + 1) % 50 == 0 || step + 1 == options.steps) {
      core::log_info() << "image encoder: step " << step + 1 << " of " << options.steps << ", loss "
                       << loss.item<float>();
    }
  }
}

void require_sound(const StillEncoderOptions& options) {
  if (options.train_images < 1 || options.held_out_images < 1 || options.steps < 1 || options.batch < 1) {
    throw core::ConfigError(
        "image encoder: expected at least 1 image, step and batch, found " + std::to_string(options.train_images) +
        " train and " + std::to_string(options.held_out_images) + " held-out images, " + std::to_string(options.steps) +
        " steps, batch " + std::to_string(options.batch) + ": raise them");
  }
}

}  // namespace

StillEncoder train_still_encoder(const StillEncoderOptions& options) {
  require_sound(options);
  const Stills stills = render_stills(options, 0, options.train_images);
  const Stills held_out = render_stills(options, options.train_images, options.held_out_images);
  ObjectNamer model(options.vision);
  initialise(model, options.seed);
  train(model, stills, options);
  const torch::NoGradGuard no_grad;
  const torch::Tensor hits = model(held_out.pixels).argmax(1).eq(held_out.objects);  // [M]
  return {model->encoder, hits.to(torch::kFloat64).mean().item<double>()};
}

}  // namespace permafrost::launch
