#include "data/video/decoder.h"

#include <ATen/ops/empty.h>

#include <filesystem>

#include "data/video/frame_source.h"
#include "data/video/isolated_source.h"

namespace permafrost::data {
namespace {

void require_index(const FrameSource& source, int64_t frame) {
  const int64_t frames = source.info().frames;
  if (frame >= 0 && frame < frames) return;
  throw VideoError(
      source.path(), "wrong index",
      "frame " + std::to_string(frame) + " was asked for, it has frames 0 to " + std::to_string(frames - 1));
}

torch::Tensor empty_frames(const FrameSource& source, int64_t count) {
  const VideoInfo& info = source.info();
  if (count > source.limits().max_read_bytes / (3 * info.width * info.height)) {
    throw VideoError(source.path(), "too large",
                     std::to_string(count) + " frames of " + std::to_string(info.width) + "x" +
                         std::to_string(info.height) + " were asked for at once, expected at most " +
                         std::to_string(source.limits().max_read_bytes) + " bytes: ask for fewer");
  }
  return at::empty({count, 3, info.height, info.width}, torch::TensorOptions(torch::kUInt8));
}

// What cannot be told (a name too long, a loop of links) is left to opening, which says so.
bool is_folder(const std::string& path) {
  std::error_code ignored;
  return std::filesystem::is_directory(path, ignored);
}

}  // namespace

VideoReader::VideoReader(const std::string& path, const DecodeLimits& limits)
    : source_(limits.child != nullptr ? open_isolated(path, limits)
              : is_folder(path)       ? open_image_folder(path, limits)
                                      : open_video_file(path, limits)) {}
VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;

const VideoInfo& VideoReader::info() const { return source_->info(); }
const DecodeCounters& VideoReader::counters() const { return source_->counters(); }
void VideoReader::decode_to_end() { source_->decode_to_end(); }

DecodedFrames VideoReader::read(const std::vector<int64_t>& indices) {
  DecodedFrames result{.indices = indices};
  for (const int64_t index : indices) result.timestamps_seconds.push_back(timestamp_seconds(index));
  result.pixels = empty_frames(*source_, static_cast<int64_t>(indices.size()));
  source_->read_into(indices, result.pixels);
  return result;
}

int64_t VideoReader::first_frame_at(double seconds) const {
  int64_t low = 0;
  int64_t high = info().frames;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (source_->seconds(middle) < seconds) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

double VideoReader::timestamp_seconds(int64_t index) const {
  require_index(*source_, index);
  return source_->seconds(index);
}

VideoInfo probe_video(const std::string& path, const DecodeLimits& limits, bool decode_to_end) {
  VideoReader reader(path, limits);
  if (decode_to_end) reader.decode_to_end();
  return reader.info();
}

}  // namespace permafrost::data
