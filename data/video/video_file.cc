#include <algorithm>
#include <cstdio>
#include <cstring>
#include <map>
#include <utility>

#include "data/video/frame_converter.h"
#include "data/video/frame_decoder.h"
#include "data/video/frame_index.h"
#include "data/video/frame_source.h"

namespace permafrost::data {
namespace {

// How many later frames may come out before a wanted one is given up: more than any codec reorders.
constexpr int kMaxOverdue = 32;

class VideoFile : public FrameSource {
 public:
  VideoFile(const std::string& path, const DecodeLimits& limits)
      : FrameSource(path, limits), demuxer_(path, limits, counters_), index_(index_by_packets(demuxer_, limits)) {
    if (!index_.is_usable) index_ = index_by_decoding(demuxer_, limits, kept_);
    converter_ = std::make_unique<FrameConverter>(path, *demuxer_.stream());
    fill_info();
  }

  // Differences in double: hostile timestamps overflow integers.
  double seconds(int64_t frame) const override {
    return (static_cast<double>(index_.pts(frame)) - static_cast<double>(index_.pts(0))) *
           av_q2d(demuxer_.stream()->time_base);
  }
  void read_into(const std::vector<int64_t>& indices, const torch::Tensor& pixels) override;
  void decode_to_end() override;

 private:
  // The places in the result that still wait for the frame of a timestamp.
  using Waiting = std::map<int64_t, std::vector<int64_t>>;

  void fill_info();
  void convert_kept(const std::vector<int64_t>& indices, const torch::Tensor& pixels);
  void collect(Waiting waiting, bool may_skip, const torch::Tensor& pixels);
  void start_near(FrameDecoder& decoder, int64_t pts);
  [[noreturn]] void fail_missing(int64_t pts) const;

  Demuxer demuxer_;
  FrameIndex index_;
  std::vector<AvFrame> kept_;  // every frame, or none
  std::unique_ptr<FrameConverter> converter_;
};

void VideoFile::fill_info() {
  const AVRational base = demuxer_.stream()->time_base;
  if (base.num <= 0 || base.den <= 0) throw VideoError(path_, "undecodable", "has no time base");
  info_.frames = static_cast<int64_t>(index_.frames.size());
  if (info_.frames == 0) throw VideoError(path_, "no frames", "its video stream has no frames");
  const double span = seconds(info_.frames - 1);
  double last = static_cast<double>(std::max<int64_t>(index_.last_duration, 0)) * av_q2d(base);
  if (last <= 0 && info_.frames > 1) last = span / static_cast<double>(info_.frames - 1);
  info_.duration_seconds = span + last;
  if (info_.duration_seconds > limits_.max_duration_seconds) {
    throw VideoError(path_, "too long",
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

void VideoFile::convert_kept(const std::vector<int64_t>& indices, const torch::Tensor& pixels) {
  for (size_t place = 0; place < indices.size(); ++place) {
    const AVFrame& frame = *kept_[static_cast<size_t>(indices[place])];
    converter_->convert(frame, pixels.select(0, static_cast<int64_t>(place)));  // [3,H,W]
  }
}

void VideoFile::read_into(const std::vector<int64_t>& indices, const torch::Tensor& pixels) {
  if (!kept_.empty()) return convert_kept(indices, pixels);
  Waiting wanted;
  for (size_t place = 0; place < indices.size(); ++place) {
    wanted[index_.pts(indices[place])].push_back(static_cast<int64_t>(place));
  }
  if (wanted.empty()) return;
  if (!index_.is_by_packets) return collect(wanted, false, pixels);
  try {
    collect(wanted, true, pixels);
  } catch (const VideoError&) {
    // A container may seek wrongly: only what fails from the very beginning is broken.
    collect(wanted, false, pixels);
  }
}

// `may_skip`: seek, and leave out what no wanted frame needs.
void VideoFile::collect(Waiting waiting, bool may_skip, const torch::Tensor& pixels) {
  if (!may_skip) demuxer_.rewind();
  FrameDecoder decoder(demuxer_, index_);
  if (may_skip) {
    decoder.leave_out_unless([&](int64_t pts) { return waiting.contains(pts); });
    start_near(decoder, waiting.begin()->first);
  }
  const AvFrame frame(av_frame_alloc());
  int overdue = 0;
  while (!waiting.empty()) {
    if (overdue > kMaxOverdue || !decoder.next(frame.get())) fail_missing(waiting.begin()->first);
    const int64_t pts = decoder.pts(frame.get());
    const auto found = waiting.find(pts);
    if (found == waiting.end()) {
      overdue += pts > waiting.begin()->first;
      continue;
    }
    const torch::Tensor first = pixels.select(0, found->second.front());  // [3,H,W]
    converter_->convert(*frame, first);
    for (size_t i = 1; i < found->second.size(); ++i) {
      std::memcpy(pixels.select(0, found->second[i]).mutable_data_ptr(), first.const_data_ptr(), first.nbytes());
    }
    waiting.erase(found);
    overdue = 0;
    if (may_skip && !waiting.empty()) start_near(decoder, waiting.begin()->first);
  }
}

// Seeks where the key frame that `pts` needs lies ahead of all that was fed; else the way there is decoding on.
void VideoFile::start_near(FrameDecoder& decoder, int64_t pts) {
  const int64_t key = index_.key_before(index_.position_of(pts).value());
  if (key <= decoder.position()) return;
  ++counters_.seeks;
  if (!decoder.seek(key)) throw VideoError(path_, "undecodable", "its container seeks wrongly");
}

void VideoFile::fail_missing(int64_t pts) const {
  const auto frame = std::lower_bound(index_.frames.begin(), index_.frames.end(), pts, [&](int64_t at, int64_t value) {
    return index_.packets[static_cast<size_t>(at)].pts < value;
  });
  const int64_t number = frame - index_.frames.begin();
  char time[32];
  std::snprintf(time, sizeof time, "%.3f", seconds(number));
  throw VideoError(path_, "undecodable",
                   "frame " + std::to_string(number) + " at " + time +
                       " s does not come out of the decoder: the file is damaged, fetch it again");
}

void VideoFile::decode_to_end() {
  for (const AvFrame& frame : kept_) converter_->require_size(*frame);
  if (!kept_.empty()) return;  // that is how they came
  demuxer_.rewind();
  FrameDecoder decoder(demuxer_, index_);
  const AvFrame frame(av_frame_alloc());
  std::vector<bool> has_come(index_.packets.size());
  while (decoder.next(frame.get())) {
    converter_->require_size(*frame);
    const auto position = index_.position_of(decoder.pts(frame.get()));
    if (position) has_come[static_cast<size_t>(*position)] = true;
  }
  for (const int64_t position : index_.frames) {
    if (!has_come[static_cast<size_t>(position)]) fail_missing(index_.packets[static_cast<size_t>(position)].pts);
  }
}

}  // namespace

std::unique_ptr<FrameSource> open_video_file(const std::string& path, const DecodeLimits& limits) {
  return std::make_unique<VideoFile>(path, limits);
}

}  // namespace permafrost::data
