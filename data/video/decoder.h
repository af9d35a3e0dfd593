// Frames of a video file by their index in presentation order, found by timestamp.
//
//   VideoReader reader("videos/a.mp4");
//   DecodedFrames frames = reader.read({0, 15, 15, 31});   // pixels uint8 [4,3,H,W]
//   VideoInfo info = probe_video("videos/b.mkv", {}, true);  // every frame decoded, none kept
//
// Opening demuxes the whole file without decoding and lists the presentation timestamps it finds; the frame count of a
// header is never believed. Reading seeks to the key frame before a wanted timestamp where that saves work and decodes
// forward until a frame with exactly that timestamp comes out. Where packets do not tell the timestamps of their frames
// (transport streams, AVI, VP8), the list is made by decoding once instead; the frames of a short video are kept, those
// of a long one are decoded from the beginning again.
//
// Of a file that lists its own times, frames which no other needs (H.264 and HEVC mark them) are decoded only where
// they are wanted.
//
// A folder of JPEG or PNG images is a video too, of 30 frames a second in the order of their names.
//
// What cannot be decoded is an error, never a neighbouring frame. Only files on a file system are opened, only as one
// of the containers and codecs of demuxer.cc: a playlist named .mp4 is refused. Edit lists, discarded frames, rotation
// and mirroring, colour matrix and range are honoured; pixels are square (the sample aspect ratio is not applied).
#pragma once

#include <torch/types.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/base/error.h"

namespace permafrost::data {

// Says what is wrong with a video, in one line that starts with its path.
class VideoError : public core::DataError {
 public:
  VideoError(const std::string& path, const std::string& kind, const std::string& detail)
      : DataError(path + ": " + detail), kind_(kind), detail_(detail) {}

  // A few fixed words to count by: "truncated", "not a video", "no video stream", "no frames", "unsupported codec",
  // "too large", "too long", "undecodable", "wrong index"; in a child process (decode_child.h) also "takes too long",
  // "takes too much memory", "crashes the decoder".
  const std::string& kind() const { return kind_; }
  const std::string& detail() const { return detail_; }  // without the path

 private:
  std::string kind_;
  std::string detail_;
};

struct VideoInfo {
  int64_t width = 0;  // pixels as displayed: after rotation
  int64_t height = 0;
  int64_t frames = 0;            // counted, not declared
  double duration_seconds = 0;   // from the first frame to the end of the last
  double frames_per_second = 0;  // mean
  std::string codec;
  std::string container;
};

class DecodeChild;

// Bounds on what a file may cost; beyond them it is refused before the memory or the time is spent.
struct DecodeLimits {
  int64_t max_pixels_per_frame = 36'000'000;  // 8K
  double max_duration_seconds = 24 * 3600;
  int64_t max_packets = 8'000'000;
  int64_t max_read_bytes = int64_t{4} << 30;   // of one read()
  int64_t max_kept_bytes = int64_t{64} << 20;  // of frames that had to be decoded to be counted
  int threads = 1;                             // of the decoder; frames do not depend on it
  DecodeChild* child = nullptr;                // decode there, not in this process; must outlive the reader
};

struct DecodedFrames {
  torch::Tensor pixels;                    // uint8 [F,3,H,W], RGB
  std::vector<int64_t> indices;            // as asked
  std::vector<double> timestamps_seconds;  // after the first frame of the video
};

// Work done so far, opening included.
struct DecodeCounters {
  int64_t packets_read = 0;     // from the container; empty ones included
  int64_t packets_decoded = 0;  // given to the decoder; one that no wanted frame needs costs it next to nothing
  int64_t frames = 0;           // decoded
  int64_t seeks = 0;
};

class FrameSource;

class VideoReader {
 public:
  // Throws IoError where the file cannot be read, VideoError where it is not a video within the limits.
  explicit VideoReader(const std::string& path, const DecodeLimits& limits = {});
  ~VideoReader();
  VideoReader(VideoReader&&) noexcept;
  VideoReader& operator=(VideoReader&&) noexcept;

  const VideoInfo& info() const;
  const DecodeCounters& counters() const;

  // Any order, repeats allowed; each frame is decoded once. Throws VideoError for an index outside [0, frames) and for
  // a frame that does not decode cleanly.
  DecodedFrames read(const std::vector<int64_t>& indices);

  // Seconds from the first frame to frame `index`.
  double timestamp_seconds(int64_t index) const;
  // The first frame shown at `seconds` or later; info().frames where there is none.
  int64_t first_frame_at(double seconds) const;

  // Decodes every frame from the beginning and keeps none; throws VideoError at the first that fails or is missing.
  void decode_to_end();

 private:
  std::unique_ptr<FrameSource> source_;
};

// The facts of a file; `decode_to_end` proves that each of its frames decodes.
VideoInfo probe_video(const std::string& path, const DecodeLimits& limits = {}, bool decode_to_end = false);

}  // namespace permafrost::data
