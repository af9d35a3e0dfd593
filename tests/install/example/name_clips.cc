// name_clips CACHE RUN: what a trained network takes the validation clips of a cache for.
#include <data/cache/cache_reader.h>
#include <launch/training/trained_model.h>
#include <torch/types.h>

#include <iostream>

int main(int argc, char** argv) {
  if (argc != 3) {
    std::cerr << "usage: name_clips CACHE RUN\n";
    return 2;
  }
  const permafrost::data::CacheReader cache(argv[1]);
  permafrost::launch::TrainedModel model = permafrost::launch::load_model(argv[2], "newest", torch::kCPU);
  permafrost::launch::require_usable(model, cache.key(), argv[1]);
  const torch::NoGradGuard no_gradients;
  for (int64_t i = 0; i < cache.size(); ++i) {
    if (cache.videos()[i].split != "val") continue;
    const permafrost::data::ClipRecord clip = cache.read(i, /*view=*/0);
    const std::vector<torch::Tensor> logits = model.classifier->forward(
        clip.pixels.unsqueeze(0), clip.features.unsqueeze(1));  // [1, F, 3, S, S], [N, 1, t, L, C] -> [1, K]
    const auto best = logits.front().argmax(1).item<int64_t>();
    std::cout << clip.video_id << "\t" << model.labels.names().at(best) << "\n";
  }
}
