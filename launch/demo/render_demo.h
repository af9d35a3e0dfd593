// `permafrost demo`: the quickstart's data set and its frozen encoder, under one directory.
//
//   run_demo({.out = "runs/quickstart"});
//
// writes
//   videos/demo-t00000_000000_000002.mp4 ...   H.264 clips, named as Kinetics names them
//   videos/list.csv                            label,youtube_id,time_start,time_end,split (train, val)
//   encoder/config.json, model.safetensors     the frozen ViT (still_encoder.h)
//   demo.json                                  the options, and whether all of it is there
// Every file is published whole. Run again, a complete directory is left as it is, an interrupted one is completed, and
// one made with other options is refused.
#pragma once

#include <cstdint>
#include <string>

#include "launch/demo/motion_scene.h"
#include "launch/demo/still_encoder.h"
#include "launch/demo/video_writer.h"

namespace permafrost::launch {

struct DemoOptions {
  std::string out;                        // directory, made if missing
  int64_t train_clips_per_class = 24;     // about 15 ms each to render and compress
  int64_t validation_clips_per_class = 8;
  uint64_t seed = 0;
  ClipSize clip;
  VideoOptions video;
  StillEncoderOptions encoder;            // its seed, frame_side and threads are taken from here
  int threads = 2;
};

// Throws ConfigError (options, or a directory of other options), IoError.
void run_demo(const DemoOptions& options);

}  // namespace permafrost::launch
