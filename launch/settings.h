// Every option of every verb, in one place: the structs hold defaults, the table (settings.cc) names and explains them.
//
//   Settings settings;
//   core::OptionTable table = make_option_table(settings);
//
// configs/*.ini and the command line use the same names: [recipe] epochs = 36 is --recipe.epochs 36.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "core/base/options.h"
#include "core/dist/dist_config.h"
#include "core/recipe/mix.h"
#include "core/recipe/optimizer.h"
#include "core/recipe/schedule.h"
#include "data/video/augment.h"
#include "distributed/deadline.h"

namespace permafrost::launch {

struct PathSettings {
  std::vector<std::string> lists, ids, combined;
  std::string config, scores, root, manifest, encoder, cache, run, text, from, init_from, out, stage;
};

// Of copies of shards on the node's own disk, in PathSettings::stage.
struct StageSettings {
  double gigabytes = 0;  // of all copies of the node at any moment
};

struct SwitchSettings {
  bool help = false, print_config = false, quiet = false, json = false, decode = false, probe = false, summary = false;
  bool allow_outside_root = false, isolate = false, deep = false, repair = false;
  bool retry_rejected = false, simulate = false;
};

// Of the dataset verb.
struct DatasetSettings {
  std::string list_format = "auto";
  std::string split;    // of lists that do not say; empty: by the list's name
  int64_t frames = 16;  // of one clip
  int64_t view = 0;
  int64_t views = 1;
  int64_t fold = 1;             // of HMDB51
  double time_limit = 60;       // seconds of one file, where isolated
  int64_t memory_limit = 2048;  // MiB of one file, where isolated
};

struct TextSettings {
  std::string labels, vocabulary;
  std::vector<std::string> templates{"{}"};  // DiST passes class names bare
};

struct SamplingSettings {
  int64_t frames = 16;
  int64_t alpha = 2;
  int64_t train_views = 1;  // K: stored views per training video; each costs a record
  int64_t eval_views = 3;   // in time
  int64_t eval_crops = 1;   // 3: also the left or top and the right or bottom square of each
  std::string resize = "bilinear";
  std::string augment = "paper";  // of the stored training views; none: centre crops
  data::AugmentOptions augmentation;
  int64_t seed = 0;
};

struct CacheSettings {
  std::string codec = "f16";
  double bits = 4;             // of lowrank, a value
  std::string layers = "all";  // which of the encoder's are stored
  std::string tokens = "full";
  int64_t image_size = 0;  // pixels, a multiple of the encoder's patch; 0: its own
  std::string encoder_dtype = "fp32";
  int64_t videos_per_shard = 32;
  int64_t audit_clips = 64;
};

struct ModelSettings {
  int64_t integration_dim = 384;
  int64_t temporal_dim = 96;
  int64_t pooling_layers = 4;
  int64_t temporal_patch = 5;
  int64_t embedding = 512;  // e; that of the text features where there are any
  std::string head = "text";
  std::string encoder = "any";  // the architecture that a config is written for
};

struct RecipeSettings {
  core::ScheduleOptions schedule;
  double weight_decay = 1e-4;
  double label_smoothing = 0.1;
  double clip_norm = 0;  // 0: none
  double ema_decay = 0;  // of the average of the weights; 0: none is kept
  core::MixOptions mix;
  int64_t batch = 256;  // clips of a global batch, over all ranks
  int64_t seed = 0;
};

struct TrainSettings {
  int64_t checkpoint_every_epochs = 1;
  int64_t checkpoint_every_steps = 0;   // 0: not by steps
  double checkpoint_every_minutes = 0;  // 0: not by the clock
  int64_t evaluate_every_epochs = 0;    // 0: never
  int64_t most_skipped_steps = 10;
  int64_t keep_checkpoints = 3;
  int64_t log_every_steps = 10;
  int64_t loader_threads = 1;
  int64_t prefetch_batches = 4;
  int64_t micro_batch = 0;  // clips of one forward on one rank; 0: all of the rank's share
  int64_t bucket_mib = 4;
  std::string precision = "fp32";
  std::string recompute = "none";  // a layer's forward again in backward: a third more time, much less memory
};

struct EvalSettings {
  std::string weights;  // of what is combined: numbers and commas; none: all the same
  std::string checkpoint = "newest";
  std::string split = "val";
  std::string frame_order = "natural";
  std::string labels;  // choose among these of the run's classes
  int64_t batch = 16;
  double clip_weight = 0.5;  // of CLIP's own frame-averaged logits, in zero-shot evaluation
};

struct PredictSettings {
  int64_t top = 5;
};

struct DemoSettings {
  int64_t train_clips_per_class = 0;  // 0: the demo's own
  int64_t validation_clips_per_class = 0;
  int64_t encoder_steps = 0;
  int64_t seed = 0;
};

struct BenchSettings {
  double seconds = 5;           // least time of a measurement
  int64_t decoder_threads = 1;  // of each file
  int64_t batch = 0;            // clips; 0: the measurement's own
  bool cold = false;
  std::string arch = "b16";
  std::string dtype = "fp32";
  std::vector<std::string> features{"memory", "cached", "online"};
  int64_t steps = 5;
};

// Of the plan verb. Every rate that is given wins over --rates, which wins over what is assumed.
struct PlanSettings {
  int64_t nodes = 1;
  int64_t gpus = 1;          // of each node; a machine without any counts as one device
  double storage_gbps = 5;   // GB/s that a node reads for hours on end
  double write_gbps = 0;     // GB/s that a node writes; 0: as it reads
  double capacity_tb = 0;    // TB that a cache may take; 0: no bound
  std::string rates;         // file of lines that `permafrost bench` printed
  int64_t train_videos = 0;  // 0: of the manifest, or the published number for the config's data set
  int64_t eval_videos = 0;   // likewise
  int64_t cores = 0;         // of each node; 0: 8 for each of its devices
  double decode_clips = 6;   // clips that a core decodes in a second: 64 frames of 10 s at 340 x 256, H.264
  // Of --simulate, with `gpus` ranks on a node.
  double link_gbit = 25;        // Gbit/s of each node's link
  double link_latency_us = 30;  // of a message over it, one way
  double inner_gbit = 0;        // Gbit/s between two ranks of a node; 0: 40 of CPUs, 2400 of GPUs
  double inner_latency_us = 5;
  double spread = -1;        // relative standard deviation of compute over the ranks; below 0: as measured
  double frozen_tflops = 0;  // TFLOP/s that a device achieves in the frozen forward; 0: by cache.encoder_dtype
  double step_tflops = 0;    // and in a train step; 0: by train.precision
};

struct Settings {
  PathSettings path;
  StageSettings stage;
  SwitchSettings has;
  DatasetSettings dataset;
  TextSettings text;
  int64_t threads = 0;  // compute threads of a rank; 0: the cores of the node over its ranks
  std::string device = "cpu";
  std::string progress = "auto";
  SamplingSettings sampling;
  CacheSettings cache;
  ModelSettings model;
  RecipeSettings recipe;
  std::vector<std::string> sweep;
  TrainSettings train;
  distributed::Deadlines deadline;
  EvalSettings eval;
  PredictSettings predict;
  DemoSettings demo;
  BenchSettings bench;
  PlanSettings plan;
};

// The table points into `settings`, which must outlive it and stay where it is.
core::OptionTable make_option_table(Settings& settings);

// One line per fault: values that are of the right type and still make no sense.
std::vector<std::string> faults_of(const Settings& settings);

}  // namespace permafrost::launch
