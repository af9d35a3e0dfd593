// The frames of a video in presentation order, and where decoding for each must start. Internal to data/video.
//
//   FrameIndex index = index_by_packets(demuxer, limits);
//   if (!index.is_usable) index = index_by_decoding(demuxer, limits, kept);
//   const int64_t first_packet = index.key_before(index.frames[i]);
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "data/video/demuxer.h"

namespace permafrost::data {

struct IndexedPacket {
  int64_t pts = 0;  // of the stream's time base
  int64_t dts = 0;
  bool is_key = false;
  bool is_shown = true;  // false: an edit list cuts its frame
};

struct FrameIndex {
  std::vector<IndexedPacket> packets;  // in decoding order; after decoding: one per frame, in output order
  std::vector<int64_t> by_time;        // positions in `packets`, by ascending pts
  std::vector<int64_t> frames;         // those of them that are shown: entry i is frame i
  int64_t last_duration = 0;           // of the last frame; 0 where the file does not say
  bool is_by_packets = false;          // frames bear the pts of their packets, and reading may seek
  bool is_usable = false;

  int64_t pts(int64_t frame) const { return packets[static_cast<size_t>(frames[static_cast<size_t>(frame)])].pts; }
  std::optional<int64_t> position_of(int64_t pts) const;
  // The last key packet at or before `position` that is shown no later: decoding from it yields the frame whole.
  // Leading pictures of an open group follow their key packet but need the group before. 0 where there is none.
  int64_t key_before(int64_t position) const;
};

// Demuxes everything and decodes nothing. Not usable where packets do not tell the times of their frames: other
// containers than MP4 and Matroska, codecs with hidden frames, absent or repeated timestamps.
FrameIndex index_by_packets(Demuxer& demuxer, const DecodeLimits& limits);

// Decodes everything. Throws VideoError at the first frame that fails, or where frames have no distinct, rising times.
// `kept`: all frames in order where they fit into limits.max_kept_bytes, so that they need not be decoded again; else
// none.
FrameIndex index_by_decoding(Demuxer& demuxer, const DecodeLimits& limits, std::vector<AvFrame>& kept);

}  // namespace permafrost::data
