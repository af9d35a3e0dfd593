#include "data/video/decoder.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <utility>

#include "data/video/frame_converter.h"
#include "data/video/frame_decoder.h"
#include "data/video/frame_index.h"

namespace permafrost::data {
namespace {

// How many later frames may come out before a wanted one is given up: more than any codec reorders.
constexpr int kMaxOverdue = 32;

}  // namespace

class VideoReader::Implementation {
 public:
  Implementation(const std::string& path, const DecodeLimits& limits)
      : limits_(limits), demuxer_(path, limits), index_(index_by_packets(demuxer_, limits)) {
    if (!index_.is_usable) index_ = index_by_decoding(demuxer_, limits, counters_.frames);
    converter_ = std::make_unique<FrameConverter>(path, *demuxer_.stream());
    fill_info();
  }

  const VideoInfo& info() const { return info_; }

  const DecodeCounters& counters() {
    counters_.packets = demuxer_.packets_read();
    return counters_;
  }

  DecodedFrames read(const std::vector<int64_t>& indices);
  void decode_to_end();

  // Differences in double: hostile timestamps overflow integers.
  double seconds(int64_t frame) const {
    return (static_cast<double>(index_.pts(frame)) - static_cast<double>(index_.pts(0))) *
           av_q2d(demuxer_.stream()->time_base);
  }
  int64_t first_frame_at(double time) const;
  void require_index(int64_t frame) const;

 private:
  // The places in the result that still wait for the frame of a timestamp.
  using Waiting = std::map<int64_t, std::vector<int64_t>>;

  void fill_info();
  void collect(const Waiting& wanted, bool may_seek, const torch::Tensor& pixels);
  void start_near(FrameDecoder& decoder, int64_t pts);
  Waiting wanted_places(const std::vector<int64_t>& indices) const;
  [[noreturn]] void fail_missing(int64_t pts) const;

  DecodeLimits limits_;
  Demuxer demuxer_;
  FrameIndex index_;
  std::unique_ptr<FrameConverter> converter_;
  VideoInfo info_;
  DecodeCounters counters_;
};

void VideoReader::Implementation::fill_info() {
  const AVRational base = demuxer_.stream()->time_base;
  if (base.num <= 0 || base.den <= 0) throw VideoError(demuxer_.path(), "undecodable", "has no time base");
  info_.frames = static_cast<int64_t>(index_.frames.size());
  if (info_.frames == 0) throw VideoError(demuxer_.path(), "no frames", "its video stream has no frames");
  const double span = seconds(info_.frames - 1);
  double last = static_cast<double>(std::max<int64_t>(index_.last_duration, 0)) * av_q2d(base);
  if (last <= 0 && info_.frames > 1) last = span / static_cast<double>(info_.frames - 1);
  info_.duration_seconds = span + last;
  if (info_.duration_seconds > limits_.max_duration_seconds) {
    throw VideoError(demuxer_.path(), "too long",
                     "lasts " + std::to_string(info_.duration_seconds) + " s, expected at most " +
                         std::to_string(limits_.max_duration_seconds) + " s");
  }
  if (info_.duration_seconds > 0) {
    info_.frames_per_second = static_cast<double>(info_.frames) / info_.duration_seconds;
  }
  info_.width = converter_->width();
  info_.height = converter_->height();
  info_.codec = avcodec_get_name(demuxer_.stream()->codecpar->codec_id);
  info_.container = demuxer_.container();
}

void VideoReader::Implementation::require_index(int64_t frame) const {
  if (frame >= 0 && frame < info_.frames) return;
  throw VideoError(
      demuxer_.path(), "wrong index",
      "frame " + std::to_string(frame) + " was asked for, it has frames 0 to " + std::to_string(info_.frames - 1));
}

int64_t VideoReader::Implementation::first_frame_at(double time) const {
  int64_t low = 0;
  int64_t high = info_.frames;
  while (low < high) {
    const int64_t middle = low + (high - low) / 2;
    if (seconds(middle) < time) {
      low = middle + 1;
    } else {
      high = middle;
    }
  }
  return low;
}

VideoReader::Implementation::Waiting VideoReader::Implementation::wanted_places(
    const std::vector<int64_t>& indices) const {
  Waiting wanted;
  for (size_t place = 0; place < indices.size(); ++place) {
    require_index(indices[place]);
    wanted[index_.pts(indices[place])].push_back(static_cast<int64_t>(place));
  }
  return wanted;
}

DecodedFrames VideoReader::Implementation::read(const std::vector<int64_t>& indices) {
  const Waiting wanted = wanted_places(indices);
  const auto count = static_cast<int64_t>(indices.size());
  if (count > limits_.max_read_bytes / (3 * info_.width * info_.height)) {
    throw VideoError(demuxer_.path(), "too large",
                     std::to_string(count) + " frames of " + std::to_string(info_.width) + "x" +
                         std::to_string(info_.height) + " were asked for at once, expected at most " +
                         std::to_string(limits_.max_read_bytes) + " bytes: ask for fewer");
  }
  DecodedFrames result{
      at::empty({count, 3, info_.height, info_.width}, torch::TensorOptions(torch::kUInt8)), indices, {}};
  for (const int64_t index : indices) result.timestamps_seconds.push_back(seconds(index));
  const int64_t seeks = counters_.seeks;
  try {
    collect(wanted, index_.is_by_packets, result.pixels);
  } catch (const VideoError&) {
    // A container may seek wrongly: only what fails from the very beginning is broken.
    if (counters_.seeks == seeks) throw;
    collect(wanted, false, result.pixels);
  }
  return result;
}

void VideoReader::Implementation::collect(const Waiting& wanted, bool may_seek, const torch::Tensor& pixels) {
  if (wanted.empty()) return;
  Waiting waiting = wanted;
  if (!may_seek) demuxer_.rewind();
  FrameDecoder decoder(demuxer_, index_);
  if (may_seek) {
    decoder.leave_out_unless([&](int64_t pts) { return waiting.contains(pts); });
    start_near(decoder, waiting.begin()->first);
  }
  const AvFrame frame(av_frame_alloc());
  int overdue = 0;
  while (!waiting.empty()) {
    if (overdue > kMaxOverdue || !decoder.next(frame.get())) fail_missing(waiting.begin()->first);
    ++counters_.frames;
    const int64_t pts = decoder.pts(frame.get());
    const auto found = waiting.find(pts);
    if (found == waiting.end()) {
      overdue += pts > waiting.begin()->first;
      continue;
    }
    const torch::Tensor first = pixels.select(0, found->second.front());  // [3,H,W]
    converter_->convert(*frame, first);
    for (size_t i = 1; i < found->second.size(); ++i) pixels.select(0, found->second[i]).copy_(first);
    waiting.erase(found);
    overdue = 0;
    if (may_seek && !waiting.empty()) start_near(decoder, waiting.begin()->first);
  }
}

// Seeks where the key frame that `pts` needs lies ahead of all that was fed; else the way there is decoding on.
void VideoReader::Implementation::start_near(FrameDecoder& decoder, int64_t pts) {
  const int64_t key = index_.key_before(index_.position_of(pts).value());
  if (key <= decoder.position()) return;
  ++counters_.seeks;
  if (!decoder.seek(key)) throw VideoError(demuxer_.path(), "undecodable", "its container seeks wrongly");
}

void VideoReader::Implementation::fail_missing(int64_t pts) const {
  const auto frame = std::lower_bound(index_.frames.begin(), index_.frames.end(), pts, [&](int64_t at, int64_t value) {
    return index_.packets[static_cast<size_t>(at)].pts < value;
  });
  const int64_t number = frame - index_.frames.begin();
  char time[32];
  std::snprintf(time, sizeof time, "%.3f", seconds(number));
  throw VideoError(demuxer_.path(), "undecodable",
                   "frame " + std::to_string(number) + " at " + time +
                       " s does not come out of the decoder: the file is damaged, fetch it again");
}

void VideoReader::Implementation::decode_to_end() {
  demuxer_.rewind();
  FrameDecoder decoder(demuxer_, index_);
  const AvFrame frame(av_frame_alloc());
  std::vector<bool> has_come(index_.packets.size());
  while (decoder.next(frame.get())) {
    ++counters_.frames;
    converter_->require_size(*frame);
    const auto position = index_.position_of(decoder.pts(frame.get()));
    if (position) has_come[static_cast<size_t>(*position)] = true;
  }
  for (const int64_t position : index_.frames) {
    if (!has_come[static_cast<size_t>(position)]) fail_missing(index_.packets[static_cast<size_t>(position)].pts);
  }
}

VideoReader::VideoReader(const std::string& path, const DecodeLimits& limits)
    : implementation_(std::make_unique<Implementation>(path, limits)) {}
VideoReader::~VideoReader() = default;
VideoReader::VideoReader(VideoReader&&) noexcept = default;
VideoReader& VideoReader::operator=(VideoReader&&) noexcept = default;

const VideoInfo& VideoReader::info() const { return implementation_->info(); }
const DecodeCounters& VideoReader::counters() const { return implementation_->counters(); }
DecodedFrames VideoReader::read(const std::vector<int64_t>& indices) { return implementation_->read(indices); }
int64_t VideoReader::first_frame_at(double seconds) const { return implementation_->first_frame_at(seconds); }
void VideoReader::decode_to_end() { implementation_->decode_to_end(); }

double VideoReader::timestamp_seconds(int64_t index) const {
  implementation_->require_index(index);
  return implementation_->seconds(index);
}

VideoInfo probe_video(const std::string& path, const DecodeLimits& limits, bool decode_to_end) {
  VideoReader reader(path, limits);
  if (decode_to_end) reader.decode_to_end();
  return reader.info();
}

}  // namespace permafrost::data
