#include "data/video/frame_index.h"

extern "C" {
#include <libavutil/imgutils.h>
}

#include <algorithm>
#include <array>
#include <numeric>
#include <string>

#include "data/video/frame_decoder.h"

namespace permafrost::data {
namespace {

void require_count(const Demuxer& demuxer, size_t count, const DecodeLimits& limits) {
  if (count > static_cast<size_t>(limits.max_packets)) {
    throw VideoError(demuxer.path(), "too long", "has more than " + std::to_string(limits.max_packets) + " packets");
  }
}

// One packet is one frame in these, and its pts is the frame's.
bool tells_frames(const Demuxer& demuxer) {
  constexpr std::array kCodecs = {AV_CODEC_ID_H264, AV_CODEC_ID_HEVC, AV_CODEC_ID_AV1, AV_CODEC_ID_VP9,
                                  AV_CODEC_ID_MJPEG};
  const std::string container = demuxer.container();
  if (container != "mov" && container != "matroska") return false;
  return std::find(kCodecs.begin(), kCodecs.end(), demuxer.stream()->codecpar->codec_id) != kCodecs.end();
}

void sort_by_time(FrameIndex& index) {
  index.by_time.resize(index.packets.size());
  std::iota(index.by_time.begin(), index.by_time.end(), int64_t{0});
  const auto pts = [&](int64_t position) { return index.packets[static_cast<size_t>(position)].pts; };
  std::stable_sort(index.by_time.begin(), index.by_time.end(), [&](int64_t a, int64_t b) { return pts(a) < pts(b); });
  for (const int64_t position : index.by_time) {
    if (index.packets[static_cast<size_t>(position)].is_shown) index.frames.push_back(position);
  }
}

bool has_distinct_times(const FrameIndex& index) {
  const auto same = [&](int64_t a, int64_t b) {
    return index.packets[static_cast<size_t>(a)].pts == index.packets[static_cast<size_t>(b)].pts;
  };
  return std::adjacent_find(index.by_time.begin(), index.by_time.end(), same) == index.by_time.end();
}

// Holds on to decoded frames until they are too many.
class Keeper {
 public:
  Keeper(std::vector<AvFrame>& kept, int64_t most_bytes) : kept_(kept), bytes_left_(most_bytes) {}

  void keep(const AVFrame& frame) {
    if (bytes_left_ < 0) return;
    const int bytes = av_image_get_buffer_size(static_cast<AVPixelFormat>(frame.format), frame.width, frame.height, 1);
    bytes_left_ -= bytes > 0 ? bytes : bytes_left_ + 1;
    if (bytes_left_ < 0) return kept_.clear();
    kept_.emplace_back(av_frame_clone(&frame));
    if (!kept_.back()) throw core::IoError("cannot keep a frame: out of memory");
  }

 private:
  std::vector<AvFrame>& kept_;
  int64_t bytes_left_;
};

void require_not_cut(const Demuxer& demuxer) {
  const int64_t declared = demuxer.container() == "mov" ? avformat_index_get_entries_count(demuxer.stream()) : 0;
  if (demuxer.counters().packets_read < declared) {
    throw VideoError(demuxer.path(), "truncated",
                     "its table lists " + std::to_string(declared) + " samples, " +
                         std::to_string(demuxer.counters().packets_read) + " could be read: fetch the file again");
  }
}

}  // namespace

std::optional<int64_t> FrameIndex::position_of(int64_t pts) const {
  const auto at = std::lower_bound(by_time.begin(), by_time.end(), pts, [&](int64_t position, int64_t value) {
    return packets[static_cast<size_t>(position)].pts < value;
  });
  if (at == by_time.end() || packets[static_cast<size_t>(*at)].pts != pts) return std::nullopt;
  return *at;
}

int64_t FrameIndex::key_before(int64_t position) const {
  const int64_t wanted = packets[static_cast<size_t>(position)].pts;
  for (int64_t at = position; at > 0; --at) {
    const IndexedPacket& packet = packets[static_cast<size_t>(at)];
    if (packet.is_key && packet.pts <= wanted) return at;
  }
  return 0;
}

FrameIndex index_by_packets(Demuxer& demuxer, const DecodeLimits& limits) {
  FrameIndex index;
  if (!tells_frames(demuxer)) return index;
  const AvPacket packet(av_packet_alloc());
  int64_t last_pts = INT64_MIN;
  bool has_every_time = true;
  while (demuxer.next(packet.get())) {
    require_count(demuxer, index.packets.size() + 1, limits);
    const bool is_shown = !(packet->flags & AV_PKT_FLAG_DISCARD);
    has_every_time = has_every_time && packet->pts != AV_NOPTS_VALUE;
    if (is_shown && packet->pts > last_pts) {
      last_pts = packet->pts;
      index.last_duration = packet->duration;
    }
    index.packets.push_back({packet->pts, packet->dts, (packet->flags & AV_PKT_FLAG_KEY) != 0, is_shown});
    av_packet_unref(packet.get());
  }
  require_not_cut(demuxer);
  sort_by_time(index);
  index.is_by_packets = true;
  index.is_usable =
      index.packets.empty() || (has_every_time && index.packets.front().is_key && has_distinct_times(index));
  return index;
}

FrameIndex index_by_decoding(Demuxer& demuxer, const DecodeLimits& limits, std::vector<AvFrame>& kept) {
  FrameIndex index;
  demuxer.rewind();
  FrameDecoder decoder(demuxer, index);
  const AvFrame frame(av_frame_alloc());
  Keeper keeper(kept, limits.max_kept_bytes);
  while (decoder.next(frame.get())) {
    require_count(demuxer, index.packets.size() + 1, limits);
    const int64_t pts = frame->best_effort_timestamp;
    if (pts == AV_NOPTS_VALUE || (!index.packets.empty() && pts <= index.packets.back().pts)) {
      throw VideoError(demuxer.path(), "undecodable",
                       "frame " + std::to_string(index.packets.size()) +
                           " has no time of its own: expected timestamps that rise; remux the file");
    }
    index.last_duration = frame->pkt_duration;
    index.packets.push_back({pts, pts, false, true});
    keeper.keep(*frame);
  }
  sort_by_time(index);
  index.is_usable = true;
  return index;
}

}  // namespace permafrost::data
