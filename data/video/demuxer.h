// The packets of a file's one video stream, opened under restrictions. Internal to data/video.
//
//   Demuxer demuxer(path, limits);
//   while (demuxer.next(packet)) feed(packet);
//   demuxer.rewind();
//
// Opens regular files only, through FFmpeg's `file` protocol, as one of the containers and codecs of demuxer.cc.
#pragma once

#include <cstdint>
#include <string>

#include "data/video/av.h"
#include "data/video/decoder.h"

namespace permafrost::data {

class Demuxer {
 public:
  // Throws IoError or VideoError. Counts in `counters`, which must outlive it, packets of all passes.
  Demuxer(const std::string& path, const DecodeLimits& limits, DecodeCounters& counters);

  const std::string& path() const { return path_; }
  AVFormatContext* format() const { return format_.get(); }
  AVStream* stream() const { return stream_; }
  std::string container() const;  // "mov", "matroska", "avi", ...

  // The next packet of the video stream in decoding order, empty ones left out; false at the end. Throws VideoError
  // where the file breaks off.
  bool next(AVPacket* packet);
  DecodeCounters& counters() const { return counters_; }

  // To the key frame at or before `timestamp` (of the stream's time base); false where the container cannot.
  bool seek(int64_t timestamp);
  // To the first packet: opens the file anew, which no container can refuse.
  void rewind();

  // A fresh decoder for the stream. Throws VideoError.
  AvCodec open_decoder() const;

 private:
  void open();
  void choose_stream();

  std::string path_;
  DecodeLimits limits_;
  AvFormat format_;
  AVStream* stream_ = nullptr;
  DecodeCounters& counters_;
};

}  // namespace permafrost::data
