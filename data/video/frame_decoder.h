// Packets in, whole frames out. Internal to data/video.
//
//   FrameDecoder decoder(demuxer, index);   // the demuxer stands at its first packet
//   if (!decoder.seek(position)) ...        // optional
//   while (decoder.next(frame)) use(decoder.pts(frame));
//
// A packet that the decoder refuses, or a frame it calls damaged or concealed, is a VideoError: nothing decoded from it
// may pass for a frame of the video. What the decoder itself takes for whole passes: few codecs can tell a bit that was
// changed within a picture, or a reference that is gone. Forgiven are only the leading pictures after a seek, whose
// references lie before it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>

#include "data/video/demuxer.h"
#include "data/video/frame_index.h"

namespace permafrost::data {

class FrameDecoder {
 public:
  // Keeps references to both; an empty index is allowed where there is none yet.
  FrameDecoder(Demuxer& demuxer, const FrameIndex& index);

  // Starts again at the key packet `position` or an earlier one. False where the container lands elsewhere: the decoder
  // is then spent.
  bool seek(int64_t position);

  // From here on frames that no other needs are left out unless `is_wanted(pts)`; only where packets tell the times.
  void leave_out_unless(std::function<bool(int64_t)> is_wanted) { is_wanted_ = std::move(is_wanted); }

  // The next frame in output order; false at the end.
  bool next(AVFrame* frame);

  int64_t pts(const AVFrame* frame) const { return index_.is_by_packets ? frame->pts : frame->best_effort_timestamp; }
  // Of the last packet fed, in decoding order; -1 before the first.
  int64_t position() const { return position_; }

 private:
  bool read_packet();
  void feed();
  void give_time(AVFrame* frame);
  bool is_start(const AVFrame& frame) const;
  void require_awaited(const AVFrame& frame);
  bool is_forgiven(int64_t pts) const { return forgive_before_ != AV_NOPTS_VALUE && pts < forgive_before_; }
  [[noreturn]] void fail(int64_t pts, const std::string& what) const;

  Demuxer& demuxer_;
  const FrameIndex& index_;
  AvCodec codec_;
  AvPacket packet_;
  bool has_packet_ = false;  // read ahead, to be fed next
  bool is_drained_ = false;
  int64_t position_ = -1;
  int64_t fed_pts_ = AV_NOPTS_VALUE;
  int64_t forgive_before_ = AV_NOPTS_VALUE;
  // Of the key frame a seek landed on: it must come out first, or decoding did not start whole (a gradual refresh).
  int64_t awaited_pts_ = AV_NOPTS_VALUE;
  int64_t first_pts_ = AV_NOPTS_VALUE;  // of the file's first packet, where decoding began there
  bool has_output_ = false;
  int64_t last_pts_ = AV_NOPTS_VALUE;  // only where frames are listed by decoding
  int64_t last_duration_ = 0;
  std::function<bool(int64_t)> is_wanted_;  // empty: every frame is
};

}  // namespace permafrost::data
