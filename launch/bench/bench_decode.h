// How many clips a second this machine decodes (tests/bench/README.md, "decode").
//
//   const DecodeRate rate = bench_decode("videos/", {.threads = 2, .frames = 16});
//   rate.clips / rate.seconds
#pragma once

#include <cstdint>
#include <string>

#include "data/video/decoder.h"

namespace permafrost::launch {

struct DecodeBench {
  int64_t threads = 1;          // files decoded at once
  int64_t decoder_threads = 1;  // of each
  int64_t frames = 16;          // of a clip, one from the middle of each segment of its video
  double seconds = 5;           // least time; whole passes over the files
};

struct DecodeRate {
  int64_t files = 0;
  int64_t clips = 0;
  double seconds = 0;
  data::DecodeCounters work;  // over all clips, opening the files included
};

// One clip of every file in `folder`, again and again: open, choose the frames, decode, convert to RGB. Throws IoError
// where there is no folder, DataError where it holds no file, VideoError where one of them cannot be read.
DecodeRate bench_decode(const std::string& folder, const DecodeBench& options);

}  // namespace permafrost::launch
