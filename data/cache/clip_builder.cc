#include "data/cache/clip_builder.h"

#include <ATen/ops/aminmax.h>
#include <torch/types.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <map>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/random.h"
#include "core/encoder/precision.h"
#include "data/dataset/mirrored_label.h"
#include "data/video/augment.h"
#include "data/video/decoder.h"
#include "data/video/sampling.h"
#include "data/video/transform.h"

namespace permafrost::data {
namespace {

constexpr int64_t kMostDecodedBytes = int64_t{256} << 20;  // of a video's frames at once, for one thread

// Words that keep the random streams of different purposes apart.
enum class Purpose : uint64_t { kSampling = 1, kFrameOrder = 2, kAugment = 3 };

core::RandomStream stream_of(const CacheKey& key, Purpose purpose, const std::string& video_id, int64_t view) {
  return core::RandomStream(key.seed,
                            {static_cast<uint64_t>(purpose), core::stable_hash(video_id), static_cast<uint64_t>(view)});
}

ResizeMode resize_mode(const std::string& name) {
  if (name == "bilinear") return ResizeMode::kBilinear;
  if (name == "bicubic-aa") return ResizeMode::kBicubicAntialias;
  throw core::ConfigError("resize mode '" + name + "', expected bilinear or bicubic-aa");
}

// What resize_and_crop keeps, in pixels of the frame before.
Crop kept_part(int64_t height, int64_t width, const ResizedCrop& crop, int64_t size) {
  const float x_scale = static_cast<float>(width) / static_cast<float>(crop.width);
  const float y_scale = static_cast<float>(height) / static_cast<float>(crop.height);
  return {.left = static_cast<float>(crop.left) * x_scale,
          .top = static_cast<float>(crop.top) * y_scale,
          .width = static_cast<float>(size) * x_scale,
          .height = static_cast<float>(size) * y_scale};
}

CropPosition position_of(int64_t crop, int64_t crops) {
  if (crops == 1 || crop == 1) return CropPosition::kCentre;
  return crop == 0 ? CropPosition::kLeftTop : CropPosition::kRightBottom;
}

FrameRange range_of(const VideoReader& reader, const ManifestEntry& entry) {
  const int64_t first = entry.start_seconds ? reader.first_frame_at(*entry.start_seconds) : 0;
  const int64_t end = entry.end_seconds ? reader.first_frame_at(*entry.end_seconds) : reader.info().frames;
  return {first, end - first};
}

std::vector<int64_t> in_order(const std::vector<int64_t>& values, const std::vector<int64_t>& order) {
  std::vector<int64_t> result;
  for (const int64_t place : order) result.push_back(values[place]);
  return result;
}

// Each of `clips` as reader.read() gives it, every frame decoded once.
std::vector<DecodedFrames> read_together(VideoReader& reader, const std::vector<std::vector<int64_t>>& clips) {
  std::map<int64_t, int64_t> places;  // frame -> row of what is read
  for (const std::vector<int64_t>& clip : clips) {
    for (const int64_t frame : clip) places.emplace(frame, 0);
  }
  std::vector<int64_t> frames;
  for (auto& [frame, place] : places) {
    place = static_cast<int64_t>(frames.size());
    frames.push_back(frame);
  }
  const DecodedFrames all = reader.read(frames);
  std::vector<DecodedFrames> result;
  for (const std::vector<int64_t>& clip : clips) {
    DecodedFrames part{.indices = clip};
    std::vector<int64_t> rows;
    for (const int64_t frame : clip) {
      rows.push_back(places.at(frame));
      part.timestamps_seconds.push_back(all.timestamps_seconds[static_cast<size_t>(rows.back())]);
    }
    part.pixels = all.pixels.index_select(0, torch::tensor(rows, torch::kInt64));  // [F,3,H,W]
    result.push_back(std::move(part));
  }
  return result;
}

std::string identity_of(const ManifestEntry& entry) {
  return entry.id + "\t" + entry.split + "\t" + std::to_string(entry.start_seconds.value_or(-1)) + "\t" +
         std::to_string(entry.end_seconds.value_or(-1)) + "\t" + std::to_string(entry.bytes) + "\t" +
         std::to_string(entry.crc32c) + "\t" + std::to_string(entry.frames);
}

// [t, 1 + g * g, C] -> [t, 1 + g * g / 4, C]: patch tokens averaged two by two, the class token as it is.
torch::Tensor pool_tokens(const torch::Tensor& layers) {
  const auto grid = static_cast<int64_t>(std::lround(std::sqrt(static_cast<double>(layers.size(-2) - 1))));
  const torch::Tensor patches =
      layers.slice(-2, 1).unflatten(-2, {grid / 2, 2, grid / 2, 2}).mean({-4, -2}).flatten(-3, -2);
  return torch::cat({layers.slice(-2, 0, 1), patches}, -2);
}

// `features`: [N, t, L, C] of `layers`. An encoder that overflows is not the video's fault, but its layer tells where.
void require_finite(const torch::Tensor& features, const std::vector<int64_t>& layers, const std::string& video_id) {
  const auto [least, most] = torch::aminmax(features);  // NaN where one is; one pass over memory
  if (std::isfinite(least.item<float>()) && std::isfinite(most.item<float>())) return;
  const torch::Tensor is_finite = torch::isfinite(features).flatten(1).all(1);
  for (size_t i = 0; i < layers.size(); ++i) {
    if (is_finite[static_cast<int64_t>(i)].item<bool>()) continue;
    throw core::DataError("video " + video_id + ": layer " + std::to_string(layers[i]) +
                          " of the encoder gives NaN or infinity, expected finite numbers: check its weights, or set "
                          "cache.encoder_dtype to fp32");
  }
}

}  // namespace

uint32_t entry_checksum(const ManifestEntry& entry) {
  const std::string text = identity_of(entry);
  return core::crc32c(text.data(), text.size());
}

std::string manifest_identity(const Manifest& manifest) {
  core::Sha256 sha;
  for (const ManifestEntry& entry : manifest.entries) {
    if (entry.is_ok()) sha.update(identity_of(entry) + "\t" + entry.label + "\n");
  }
  return sha.hex();
}

ClipBuilder::ClipBuilder(core::FrozenEncoder& encoder, CacheKey key, const DecodeLimits& limits)
    : encoder_(encoder), key_(std::move(key)), limits_(limits) {
  key_.validate();
  if (key_.encoder_sha256 != encoder.sha256()) {
    throw core::ConfigError("the encoder is " + encoder.sha256().substr(0, 12) + ", expected " +
                            key_.encoder_sha256.substr(0, 12) + ", by which these features were made: give that one");
  }
  const std::string dtype = core::precision_name(encoder.dtype());
  if (key_.encoder_dtype != dtype) {
    throw core::ConfigError("the encoder runs in " + dtype + ", expected " + key_.encoder_dtype +
                            ", in which these features were made: set cache.encoder_dtype to it");
  }
}

torch::Tensor ClipBuilder::selected(torch::Tensor layers) const {
  if (static_cast<int64_t>(key_.selected_layers.size()) != key_.layers_total) {
    layers = layers.index_select(0, torch::tensor(key_.selected_layers, torch::kInt64));
  }
  return key_.tokens == "pool2" ? pool_tokens(layers) : layers;
}

torch::Tensor ClipBuilder::encode(const torch::Tensor& pixels) const {
  const torch::Tensor frames = pixels.slice(0, 0, std::nullopt, key_.alpha);  // [t, 3, S, S]
  const torch::Tensor layers = encoder_.encode(frames);                       // [all layers, t, L, C]
  return selected(layers);                                                    // [N, t, L, C]
}

void ClipBuilder::augment_into(ClipRecord& record, const torch::Tensor& frames) const {
  const Augmentation drawn = draw_augmentation(key_.augmentation, frames.size(2), frames.size(3),
                                               stream_of(key_, Purpose::kAugment, record.video_id, record.view));
  record.pixels = augment(frames, drawn, {.size = key_.image_size, .resize = resize_mode(key_.resize)});
  record.crop = {.left = static_cast<float>(drawn.crop.left),
                 .top = static_cast<float>(drawn.crop.top),
                 .width = static_cast<float>(drawn.crop.width),
                 .height = static_cast<float>(drawn.crop.height)};
  record.flipped = drawn.is_flipped;
  if (record.flipped) record.label = mirrored_label(record.label);
  record.grayscale = drawn.is_grayscale;
  record.jitter = drawn.jitter;
}

void ClipBuilder::crop_into(ClipRecord& record, const torch::Tensor& frames) const {
  const TransformOptions options{.size = key_.image_size, .resize = resize_mode(key_.resize)};
  const bool is_training = record.split == "train";
  const CropPosition position =
      is_training ? CropPosition::kCentre : position_of(record.view % key_.eval_crops, key_.eval_crops);
  record.pixels = resize_and_crop(frames, options, position);
  record.crop = kept_part(frames.size(2), frames.size(3), place_crop(frames.size(2), frames.size(3), options, position),
                          key_.image_size);
}

std::vector<int64_t> ClipBuilder::frames_of_view(const ManifestEntry& entry, const FrameRange& range,
                                                 int64_t view) const {
  std::vector<int64_t> indices =
      entry.split == "train"
          ? sample_training(range.count, key_.frames, stream_of(key_, Purpose::kSampling, entry.id, view))
          : sample_view(range.count, key_.frames, view / key_.eval_crops, key_.eval_views);
  for (int64_t& index : indices) index += range.first;
  if (key_.frame_order != "shuffled") return indices;
  return in_order(indices, core::permutation(key_.frames, stream_of(key_, Purpose::kFrameOrder, entry.id, view)));
}

ClipRecord ClipBuilder::build_view(const ManifestEntry& entry, int64_t view, const DecodedFrames& decoded) const {
  ClipRecord record{.video_id = entry.id,
                    .label = entry.label,
                    .split = entry.split,
                    .view = view,
                    .entry_crc32c = entry_checksum(entry)};
  if (entry.split == "train" && key_.augment == "paper") {
    augment_into(record, decoded.pixels);
  } else {
    crop_into(record, decoded.pixels);
  }
  record.features = encode(record.pixels);
  require_finite(record.features, key_.selected_layers, entry.id);
  record.frame_indices = decoded.indices;
  record.timestamps_seconds = decoded.timestamps_seconds;
  return record;
}

// Views are read together while their frames fit into memory: decoding a video once costs about what one view does.
std::vector<ClipRecord> ClipBuilder::build_views(const std::string& root, const ManifestEntry& entry,
                                                 int64_t first_view, int64_t end_view) const {
  const std::string path = (std::filesystem::path(root) / entry.path).string();
  VideoReader reader(path, limits_);
  const FrameRange range = range_of(reader, entry);
  if (range.count <= 0) throw core::DataError(path + ": no frame between its start and its end: mend the list");
  const int64_t view_bytes = key_.frames * 3 * reader.info().width * reader.info().height;
  const int64_t at_once = std::max<int64_t>(1, kMostDecodedBytes / view_bytes);
  std::vector<ClipRecord> records;
  for (int64_t first = first_view; first < end_view; first += at_once) {
    const int64_t end = std::min(end_view, first + at_once);
    std::vector<std::vector<int64_t>> indices;
    for (int64_t view = first; view < end; ++view) indices.push_back(frames_of_view(entry, range, view));
    const std::vector<DecodedFrames> clips = read_together(reader, indices);
    for (int64_t view = first; view < end; ++view) {
      records.push_back(build_view(entry, view, clips[static_cast<size_t>(view - first)]));
    }
  }
  return records;
}

torch::Tensor ClipBuilder::complete(const torch::Tensor& pixels, const torch::Tensor& known,
                                    const std::vector<int64_t>& known_layers) const {
  if (known_layers == key_.selected_layers) return known;
  if (key_.tokens != "full") return encode(pixels);  // pooled tokens enter no block
  return encoder_.complete(pixels.slice(0, 0, std::nullopt, key_.alpha), known, known_layers, key_.selected_layers);
}

std::vector<ClipRecord> ClipBuilder::build(const std::string& root, const ManifestEntry& entry) const {
  return build_views(root, entry, 0, views_of(key_, entry.split));
}

ClipRecord ClipBuilder::build_one(const std::string& root, const ManifestEntry& entry, int64_t view) const {
  return build_views(root, entry, view, view + 1).front();
}

}  // namespace permafrost::data
