#include "data/video/frame_decoder.h"

#include <algorithm>
#include <array>
#include <cstdio>
#include <string>

namespace permafrost::data {

FrameDecoder::FrameDecoder(Demuxer& demuxer, const FrameIndex& index)
    : demuxer_(demuxer), index_(index), codec_(demuxer.open_decoder()), packet_(av_packet_alloc()) {
  if (!packet_) throw core::IoError(demuxer.path() + ": cannot decode: out of memory");
}

bool FrameDecoder::seek(int64_t position) {
  // By pts in MP4 too, whose table is by dts: given the key frame's own dts, libavformat goes one group further back.
  const int64_t timestamp = index_.packets[static_cast<size_t>(position)].pts;
  av_packet_unref(packet_.get());
  if (!demuxer_.seek(timestamp)) return false;
  avcodec_flush_buffers(codec_.get());
  has_packet_ = false;
  is_drained_ = false;
  if (!read_packet()) return false;
  const auto landed = index_.position_of(packet_->pts);
  if (!landed || *landed > position || !index_.packets[static_cast<size_t>(*landed)].is_key) return false;
  position_ = *landed - 1;
  forgive_before_ = packet_->pts;
  const bool is_shown = index_.packets[static_cast<size_t>(*landed)].is_shown;
  awaited_pts_ = is_shown ? packet_->pts : AV_NOPTS_VALUE;
  return true;
}

bool FrameDecoder::next(AVFrame* frame) {
  for (;;) {
    const int code = avcodec_receive_frame(codec_.get(), frame);
    if (code == AVERROR_EOF) return false;
    if (code == AVERROR(EAGAIN)) {
      feed();
      continue;
    }
    if (code < 0) {
      if (is_forgiven(fed_pts_)) continue;
      fail(fed_pts_, av_text(code));
    }
    const bool is_damaged = (frame->flags & AV_FRAME_FLAG_CORRUPT) || frame->decode_error_flags != 0;
    if (!is_damaged) {
      if (!index_.is_by_packets) give_time(frame);
      require_awaited(*frame);
      ++demuxer_.counters().frames;
      if (is_forgiven(pts(frame))) continue;  // a leading picture may lack its references without a word
      return true;
    }
    if (!is_forgiven(pts(frame))) fail(pts(frame), "the decoder had to conceal errors");
  }
}

// AVI and program streams leave frames, often the last one, without a time of their own: each follows the one before.
// Such files are always decoded from the beginning, so a frame gets the same time at every pass.
void FrameDecoder::give_time(AVFrame* frame) {
  int64_t& time = frame->best_effort_timestamp;
  if (last_pts_ != AV_NOPTS_VALUE && (time == AV_NOPTS_VALUE || time <= last_pts_)) {
    time = last_pts_ + std::max<int64_t>(1, last_duration_);
  }
  last_pts_ = time;
  if (frame->pkt_duration > 0) last_duration_ = frame->pkt_duration;
}

// The H.264 decoder holds back what it cannot decode whole; these paint references that are absent grey. HEVC may show
// leading pictures before its first key frame, so there the first packet's frame tells; elsewhere the first to come
// out.
bool FrameDecoder::is_start(const AVFrame& frame) const {
  constexpr std::array kPaintGrey = {AV_CODEC_ID_MPEG4,     AV_CODEC_ID_H263,      AV_CODEC_ID_FLV1,
                                     AV_CODEC_ID_MSMPEG4V1, AV_CODEC_ID_MSMPEG4V2, AV_CODEC_ID_MSMPEG4V3,
                                     AV_CODEC_ID_WMV1,      AV_CODEC_ID_WMV2};
  if (codec_->codec_id == AV_CODEC_ID_HEVC) return first_pts_ != AV_NOPTS_VALUE && pts(&frame) == first_pts_;
  return !has_output_ && std::find(kPaintGrey.begin(), kPaintGrey.end(), codec_->codec_id) != kPaintGrey.end();
}

// A container may call any frame a key (an MP4 without a table of them calls every frame one): the decoder's own word
// counts.
void FrameDecoder::require_awaited(const AVFrame& frame) {
  const int64_t time = pts(&frame);
  if (is_start(frame) && !frame.key_frame) fail(time, "the video does not start with a key frame");
  has_output_ = true;
  if (awaited_pts_ == AV_NOPTS_VALUE || time < awaited_pts_) return;
  if (time != awaited_pts_ || !frame.key_frame)
    fail(awaited_pts_, "its group of frames does not start with a whole one");
  awaited_pts_ = AV_NOPTS_VALUE;
}

bool FrameDecoder::read_packet() {
  if (!has_packet_) has_packet_ = demuxer_.next(packet_.get());
  return has_packet_;
}

void FrameDecoder::feed() {
  if (!read_packet()) {
    if (!is_drained_) avcodec_send_packet(codec_.get(), nullptr);
    is_drained_ = true;
    return;
  }
  has_packet_ = false;
  fed_pts_ = packet_->pts;
  if (position_ < 0) first_pts_ = fed_pts_;
  ++position_;
  ++demuxer_.counters().packets_decoded;
  if (index_.is_by_packets) {
    const bool is_expected = position_ < static_cast<int64_t>(index_.packets.size()) &&
                             index_.packets[static_cast<size_t>(position_)].pts == fed_pts_;
    if (!is_expected) fail(fed_pts_, "its packets come in another order than when it was opened");
  }
  codec_->skip_frame = is_wanted_ && !is_wanted_(fed_pts_) ? AVDISCARD_NONREF : AVDISCARD_DEFAULT;
  const int code = avcodec_send_packet(codec_.get(), packet_.get());
  av_packet_unref(packet_.get());
  if (code < 0 && !is_forgiven(fed_pts_)) fail(fed_pts_, av_text(code));
}

void FrameDecoder::fail(int64_t pts, const std::string& what) const {
  std::string where = "near packet " + std::to_string(position_);
  if (pts != AV_NOPTS_VALUE) {
    char text[64];
    std::snprintf(text, sizeof text, "at %.3f s", static_cast<double>(pts) * av_q2d(demuxer_.stream()->time_base));
    where = text;
  }
  throw VideoError(demuxer_.path(), "undecodable", "the frame " + where + " does not decode: " + what);
}

}  // namespace permafrost::data
