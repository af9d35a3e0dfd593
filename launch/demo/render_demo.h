// `permafrost demo`: the quickstart's data set and its frozen encoder, under one directory.
//
//   run_demo({.out = "runs/quickstart"});
//
// writes
//   videos/demo-t00000_000000_000002.mp4 ...   H.264 clips, named as Kinetics names them: t for train, v for val
//   videos/list.csv                            label,youtube_id,time_start,time_end,split
//   encoder/config.json, model.safetensors     the frozen ViT (still_encoder.h)
//   demo.json                                  the options, and whether all of it is there
// Every file is published whole. Run again, a complete directory is left as it is, an interrupted one is completed, and
// one made with other options is refused.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "launch/demo/motion_scene.h"
#include "launch/demo/still_encoder.h"
#include "launch/demo/video_writer.h"

namespace permafrost::launch {

struct DemoOptions {
  std::string out;  // directory, made if missing
  int64_t train_clips_per_class = 60;
  int64_t validation_clips_per_class = 12;
  uint64_t seed = 0;
  ClipSize clip;
  VideoOptions video;
  StillEncoderOptions encoder;  // its seed and frame_side are taken from here
  int threads = 2;              // that render; nothing written depends on it
};

// One line of the list.
struct DemoClip {
  Split split = Split::kTrain;
  int64_t class_index = 0;
  int64_t number = 0;  // of the clip within its class and split
  std::string id;      // eleven characters, as YouTube's
};

// All clips of a demo, classes in turn: train, then val.
std::vector<DemoClip> plan_clips(const DemoOptions& options);

// Throws ConfigError (options, or a directory made with other options), DataError (a demo.json that is none), IoError.
void run_demo(const DemoOptions& options);

}  // namespace permafrost::launch
