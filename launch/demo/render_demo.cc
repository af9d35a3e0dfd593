#include "launch/demo/render_demo.h"

#include <atomic>
#include <cstdio>
#include <exception>
#include <filesystem>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>

#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/log.h"
#include "launch/progress.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

constexpr int kRecordVersion = 1;       // of the scenes too: raise it when any pixel changes
constexpr int64_t kMostClips = 99'999;  // of a split: five digits of the id

int64_t clip_seconds(const DemoOptions& options) {
  return (options.clip.frames + options.video.frames_per_second - 1) / options.video.frames_per_second;
}

std::string video_folder(const DemoOptions& options) { return options.out + "/videos"; }
std::string record_path(const DemoOptions& options) { return options.out + "/demo.json"; }

std::string video_path(const DemoOptions& options, const DemoClip& clip) {
  char times[48];
  std::snprintf(times, sizeof times, "_%06d_%06d.mp4", 0, static_cast<int>(clip_seconds(options)));
  return video_folder(options) + "/" + clip.id + times;
}

// What the files depend on.
json identity(const DemoOptions& options) {
  const StillEncoderOptions& encoder = options.encoder;
  const core::VisionConfig& vision = encoder.vision;
  return {{"version", kRecordVersion},
          {"seed", options.seed},
          {"train_clips_per_class", options.train_clips_per_class},
          {"validation_clips_per_class", options.validation_clips_per_class},
          {"clip", {{"side", options.clip.side}, {"frames", options.clip.frames}}},
          {"video",
           {{"frames_per_second", options.video.frames_per_second},
            {"quality", options.video.quality},
            {"preset", options.video.preset}}},
          {"encoder",
           {{"image_size", vision.image_size},
            {"patch_size", vision.patch_size},
            {"width", vision.width},
            {"layers", vision.layers},
            {"heads", vision.heads},
            {"mlp_width", vision.mlp_width},
            {"embedding", vision.embedding},
            {"activation", static_cast<int>(vision.activation)},
            {"layer_norm_epsilon", vision.layer_norm_epsilon},
            {"train_images", encoder.train_images},
            {"held_out_images", encoder.held_out_images},
            {"steps", encoder.steps},
            {"batch", encoder.batch},
            {"learning_rate", encoder.learning_rate},
            {"warmup_steps", encoder.warmup_steps},
            {"weight_decay", encoder.weight_decay}}}};
}

void publish_record(const DemoOptions& options, bool is_complete) {
  const json record{{"complete", is_complete}, {"options", identity(options)}, {"videos", plan_clips(options).size()}};
  core::publish_text(record_path(options), record.dump(2) + "\n");
}

// "/seed: 3, wanted 4" for the first option that differs.
std::string first_difference(const json& found, const json& wanted) {
  const json change = json::diff(found, wanted).at(0);
  const json::json_pointer where(change.at("path").get<std::string>());
  const std::string there = found.contains(where) ? found.at(where).dump() : "nothing";
  const std::string here = wanted.contains(where) ? wanted.at(where).dump() : "nothing";
  return where.to_string() + ": " + there + ", wanted " + here;
}

// Whether `out` was completed. Throws where it was begun with other options.
bool read_record(const DemoOptions& options) {
  const std::string path = record_path(options);
  if (!std::filesystem::exists(path)) return false;
  const json record = json::parse(core::read_text(path), nullptr, false);
  if (!record.is_object() || !record.contains("options") || !record.contains("complete") ||
      !record["complete"].is_boolean()) {
    throw core::DataError(path + ": expected the record of a demo, found something else: remove it to render anew");
  }
  const json wanted = identity(options);
  if (record["options"] != wanted) {
    throw core::ConfigError(options.out + ": holds a demo with other options, " +
                            first_difference(record["options"], wanted) +
                            ": give another --out, or remove the directory");
  }
  return record["complete"].get<bool>();
}

bool is_file(const std::string& path) {
  std::error_code error;
  return std::filesystem::is_regular_file(path, error) && std::filesystem::file_size(path, error) > 0;
}

bool has_encoder(const DemoOptions& options) {
  // save_encoder() writes config.json last.
  return is_file(options.out + "/encoder/config.json") && is_file(options.out + "/encoder/model.safetensors");
}

std::vector<DemoClip> missing_clips(const DemoOptions& options) {
  std::vector<DemoClip> missing;
  for (DemoClip& clip : plan_clips(options)) {
    if (!is_file(video_path(options, clip))) missing.push_back(std::move(clip));
  }
  return missing;
}

// What a killed run left under names that were never published.
void remove_leftovers(const std::string& folder) {
  std::vector<std::filesystem::path> leftovers;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    if (core::is_partial_name(entry.path().filename().string())) leftovers.push_back(entry.path());
  }
  for (const auto& path : leftovers) {
    std::error_code error;
    if (!std::filesystem::remove(path, error)) core::log_warning() << path.string() << ": cannot remove";
  }
}

void render_one(const DemoOptions& options, const DemoClip& clip) {
  const Scene scene = draw_scene(options.seed, clip.split, clip.class_index, clip.number);
  write_video(video_path(options, clip), render_clip(scene, options.clip), options.video);
}

// Clips taken one by one by `threads` threads; the first error stops them all.
void render_clips(const DemoOptions& options, const std::vector<DemoClip>& clips) {
  std::atomic<size_t> next{0};
  std::mutex mutex;
  std::exception_ptr failure;
  Progress progress("demo", static_cast<int64_t>(clips.size()), "clips");
  const auto work = [&] {
    for (size_t i = next++; i < clips.size(); i = next++) {
      try {
        render_one(options, clips[i]);
      } catch (...) {
        const std::lock_guard lock(mutex);
        if (!failure) failure = std::current_exception();
        next = clips.size();
        return;
      }
      const std::lock_guard lock(mutex);
      progress.add(1);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 0; i < options.threads; ++i) threads.emplace_back(work);
  }
  if (failure) std::rethrow_exception(failure);
}

void publish_list(const DemoOptions& options) {
  std::string list = "label,youtube_id,time_start,time_end,split\n";
  const std::string times = ",0," + std::to_string(clip_seconds(options)) + ",";
  for (const DemoClip& clip : plan_clips(options)) {
    list +=
        class_name(clip.class_index) + "," + clip.id + times + (clip.split == Split::kTrain ? "train" : "val") + "\n";
  }
  core::publish_text(video_folder(options) + "/list.csv", list);
}

void train_encoder(const DemoOptions& options) {
  StillEncoderOptions encoder = options.encoder;
  encoder.seed = options.seed;
  encoder.frame_side = options.clip.side;
  core::log_info() << "image encoder: " << encoder.steps << " steps on still images of " << kObjects << " objects";
  StillEncoder trained = train_still_encoder(encoder);
  core::save_encoder(options.out + "/encoder", trained.encoder);
  core::log_info() << "image encoder: names the object in " << 100 * trained.accuracy
                   << " % of held-out stills; frozen in " << options.out << "/encoder";
}

void require_sound(const DemoOptions& options) {
  const auto require_range = [](const std::string& name, int64_t value, int64_t low, int64_t high) {
    if (value >= low && value <= high) return;
    throw core::ConfigError("demo." + name + ": expected " + std::to_string(low) + " to " + std::to_string(high) +
                            ", found " + std::to_string(value) + ": give a number in that range");
  };
  if (options.out.empty()) throw core::ConfigError("demo: expected a directory, found none: give --out DIRECTORY");
  const int64_t most = kMostClips / kDemoClasses;
  require_range("train_clips_per_class", options.train_clips_per_class, 1, most);
  require_range("validation_clips_per_class", options.validation_clips_per_class, 1, most);
  require_range("threads", options.threads, 1, 1024);
  require_range("frames", options.clip.frames, 2, 10'000);
  require_range("side", options.clip.side, 16, 4096);
  require_range("frames_per_second", options.video.frames_per_second, 1, 240);
}

}  // namespace

std::vector<DemoClip> plan_clips(const DemoOptions& options) {
  std::vector<DemoClip> clips;
  const auto plan = [&](Split split, int64_t clips_per_class, char letter) {
    for (int64_t i = 0; i < clips_per_class * kDemoClasses; ++i) {
      char id[32];
      std::snprintf(id, sizeof id, "demo-%c%05d", letter, static_cast<int>(i));
      clips.push_back({split, i % kDemoClasses, i / kDemoClasses, id});
    }
  };
  plan(Split::kTrain, options.train_clips_per_class, 't');
  plan(Split::kValidation, options.validation_clips_per_class, 'v');
  return clips;
}

void run_demo(const DemoOptions& options) {
  require_sound(options);
  const bool was_complete = read_record(options);
  core::make_directories(video_folder(options));
  const std::vector<DemoClip> missing = missing_clips(options);
  const bool has_list = is_file(video_folder(options) + "/list.csv");
  if (was_complete && missing.empty() && has_list && has_encoder(options)) {
    core::log_info() << "demo: " << options.out << " is complete, nothing to do";
    return;
  }
  publish_record(options, false);
  core::log_info() << "demo: " << missing.size() << " of " << plan_clips(options).size() << " clips of " << kDemoClasses
                   << " classes to render into " << video_folder(options);
  render_clips(options, missing);
  remove_leftovers(video_folder(options));
  publish_list(options);
  if (!has_encoder(options)) train_encoder(options);
  publish_record(options, true);
  core::log_info() << "demo: complete in " << options.out;
}

}  // namespace permafrost::launch
