// How fast this machine multiplies matrices, runs a frozen encoder and takes training steps (tests/bench/README.md,
// "gemm", "vit", "train-step"). Weights and clips are random: speed does not depend on them.
//
//   for (const ComputeRate& rate : bench_train_step(bench, {"memory", "cached"})) rate.units / rate.seconds
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "core/encoder/frozen_encoder.h"
#include "launch/settings.h"

namespace permafrost::launch {

struct ComputeBench {
  core::VisionConfig vision;
  torch::ScalarType type = torch::kFloat32;  // of encoder and network
  torch::Device device = torch::kCPU;
  int64_t batch = 1;  // clips; of vit, frames
  int64_t rounds = 5;
};

struct ComputeRate {
  std::string kind;
  double units = 0;          // clips, or frames, of a round
  double seconds = 0;        // of a round: the median
  double least_seconds = 0;  // and the least
  double flops = 0;          // of a round; a multiplication and an addition are two
};

// Until a GPU has done what it was given.
void wait_for(torch::Device device);

// From the seconds of each round.
ComputeRate rate_of(const std::string& kind, double units, double flops, const std::vector<double>& seconds);

// Random weights. Throws ConfigError for a type it cannot run in.
core::FrozenEncoder random_encoder(const ComputeBench& bench);

// The product [rows, inner] times [inner, columns].
struct GemmShape {
  int64_t rows, inner, columns;
};
// One that fills the device: of a CPU ViT-B/16's widest, of 8 frames; of a GPU, whose rate grows with the size, a cube.
GemmShape gemm_shape(torch::Device device);
ComputeRate bench_gemm(const ComputeBench& bench, const GemmShape& shape);

// The frozen forward of `batch` frames, from uint8 pixels on the device to every layer in float32.
ComputeRate bench_vit(const ComputeBench& bench);

// A training step of `batch` clips for each of `features`: "memory", decoded and at hand; "cached", read from a cache
// by the loader, and decoded; "online", computed by the frozen encoder from frames at hand. In every round they take
// turns. Pixels and features at hand are on the device. The cache, of some clips of random features, is written into a
// temporary folder and removed. The settings say what a clip, the network, codec and loader are. Throws ConfigError.
std::vector<ComputeRate> bench_train_step(const ComputeBench& bench, const Settings& settings,
                                          const std::vector<std::string>& features);

// What a checkpoint costs training: blocks of `rounds` steps on features in memory, with a checkpoint after the first
// step and without, in turns. The checkpoints, of the network and its optimiser, go into a temporary folder and are
// removed.
struct CheckpointCost {
  double bytes = 0;
  double copy_seconds = 0;                       // that the step waits
  double write_seconds = 0;                      // until it is on disk, beside the steps
  double seconds_with = 0, seconds_without = 0;  // of a block
};
CheckpointCost bench_checkpoint(const ComputeBench& bench, const Settings& settings);

// Where a step on features in memory spends its time: a part is one of DiST's sub-networks with all its layers, forward
// and backward, or "optimizer", or "" for the rest.
struct StepPart {
  std::string part;
  double seconds = 0;                                       // of a step
  double flops = 0;                                         // of a step
  std::vector<std::pair<std::string, double>> operators{};  // the slowest: their own seconds of a step
};
std::vector<StepPart> profile_train_step(const ComputeBench& bench, const Settings& settings);

}  // namespace permafrost::launch
