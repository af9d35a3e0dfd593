#include "data/video/demuxer.h"

extern "C" {
#include <libavutil/imgutils.h>
#include <libavutil/log.h>
}

#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <mutex>
#include <vector>

#include "core/base/file.h"
#include "data/video/container_size.h"

namespace permafrost::data {
namespace {

// Containers that hold their frames themselves. HLS, DASH, concat, image sequences and raw streams stay out: they open
// other files, or have no timestamps.
constexpr const char* kContainers = "mov,matroska,avi,mpegts,mpeg,flv,ogg,asf";
constexpr const char* kDecoders =
    "h264,hevc,libdav1d,av1,vp8,libvpx,vp9,libvpx-vp9,mpeg4,mpeg2video,mpeg1video,mjpeg,theora,h263,flv,"
    "msmpeg4v1,msmpeg4v2,msmpeg4,ffv1,prores,wmv1,wmv2,wmv3,vc1";
constexpr std::array kCodecs = {
    AV_CODEC_ID_H264,  AV_CODEC_ID_HEVC,       AV_CODEC_ID_AV1,        AV_CODEC_ID_VP8,       AV_CODEC_ID_VP9,
    AV_CODEC_ID_MPEG4, AV_CODEC_ID_MPEG2VIDEO, AV_CODEC_ID_MPEG1VIDEO, AV_CODEC_ID_MJPEG,     AV_CODEC_ID_THEORA,
    AV_CODEC_ID_H263,  AV_CODEC_ID_FLV1,       AV_CODEC_ID_MSMPEG4V1,  AV_CODEC_ID_MSMPEG4V2, AV_CODEC_ID_MSMPEG4V3,
    AV_CODEC_ID_FFV1,  AV_CODEC_ID_PRORES,     AV_CODEC_ID_WMV1,       AV_CODEC_ID_WMV2,      AV_CODEC_ID_WMV3,
    AV_CODEC_ID_VC1};

class Dictionary {
 public:
  Dictionary() = default;
  Dictionary(const Dictionary&) = delete;
  Dictionary& operator=(const Dictionary&) = delete;
  ~Dictionary() { av_dict_free(&entries_); }

  void set(const char* key, const char* value) { av_dict_set(&entries_, key, value, 0); }
  void set(const char* key, int64_t value) { av_dict_set_int(&entries_, key, value, 0); }
  AVDictionary** get() { return &entries_; }

 private:
  AVDictionary* entries_ = nullptr;
};

// Everything FFmpeg would print comes back as an error of ours or does not matter.
void silence_ffmpeg() {
  static std::once_flag once;
  std::call_once(once, [] { av_log_set_level(AV_LOG_QUIET); });
}

void require_file(const std::string& path) {
  struct stat info {};
  if (::stat(path.c_str(), &info) != 0) throw core::io_error(path, "open the video");
  if (!S_ISREG(info.st_mode)) {
    throw VideoError(path, "not a video", "expected a video file, found a directory or a device");
  }
  if (info.st_size == 0) throw VideoError(path, "not a video", "expected a video file, found 0 bytes");
  core::open_for_reading(path);
}

void require_length(const std::string& path) {
  const auto declared = declared_bytes(path);
  const uint64_t found = core::file_bytes(path);
  if (declared && *declared > found) {
    throw VideoError(path, "truncated",
                     "expected " + std::to_string(*declared) + " bytes by its own header, found " +
                         std::to_string(found) + ": the file is truncated, fetch it again");
  }
}

// Bounds what the probing decoders of one stream may allocate.
void fill_decoder_options(Dictionary& options, int64_t max_pixels, int threads) {
  options.set("max_pixels", max_pixels);
  options.set("threads", threads);
  options.set("codec_whitelist", kDecoders);
}

// What disk and machine lack at the moment is no fault of the video. Throws IoError.
void require_no_system_fault(int code, const std::string& path) {
  for (const int fault : {EIO, EMFILE, ENFILE, ENOMEM, ESTALE, ETIMEDOUT, EACCES}) {
    if (code == AVERROR(fault)) throw core::IoError(path + ": cannot read the video: " + av_text(code));
  }
}

}  // namespace

Demuxer::Demuxer(const std::string& path, const DecodeLimits& limits, DecodeCounters& counters)
    : path_(path), limits_(limits), counters_(counters) {
  silence_ffmpeg();
  require_file(path_);
  require_length(path_);
  open();
}

void Demuxer::open() {
  Dictionary options;
  options.set("protocol_whitelist", "file");
  options.set("format_whitelist", kContainers);
  options.set("codec_whitelist", kDecoders);
  options.set("max_streams", 64);
  AVFormatContext* raw = nullptr;
  // The prefix keeps a colon in the name from being read as a protocol.
  const int code = avformat_open_input(&raw, ("file:" + path_).c_str(), nullptr, options.get());
  require_no_system_fault(code, path_);
  if (code < 0) {
    throw VideoError(path_, "not a video",
                     std::string("expected a video in one of the containers ") + kContainers +
                         ", found something else or a damaged header (" + av_text(code) + ")");
  }
  format_.reset(raw);
  std::vector<Dictionary> per_stream(raw->nb_streams);
  std::vector<AVDictionary*> handles(raw->nb_streams);
  for (size_t i = 0; i < per_stream.size(); ++i) {
    fill_decoder_options(per_stream[i], limits_.max_pixels_per_frame, 1);
    handles[i] = *per_stream[i].get();
  }
  const int probed = avformat_find_stream_info(raw, handles.empty() ? nullptr : handles.data());
  for (size_t i = 0; i < per_stream.size(); ++i) *per_stream[i].get() = handles[i];
  require_no_system_fault(probed, path_);
  if (probed < 0) throw VideoError(path_, "not a video", "its streams cannot be read: " + av_text(probed));
  choose_stream();
}

void Demuxer::choose_stream() {
  const int chosen = av_find_best_stream(format_.get(), AVMEDIA_TYPE_VIDEO, -1, -1, nullptr, 0);
  if (chosen < 0 || (format_->streams[chosen]->disposition & AV_DISPOSITION_ATTACHED_PIC)) {
    throw VideoError(path_, "no video stream",
                     "expected a video stream, found none among " + std::to_string(format_->nb_streams) + " streams");
  }
  for (unsigned i = 0; i < format_->nb_streams; ++i) {
    format_->streams[i]->discard = static_cast<int>(i) == chosen ? AVDISCARD_DEFAULT : AVDISCARD_ALL;
  }
  stream_ = format_->streams[chosen];
  const AVCodecParameters& codec = *stream_->codecpar;
  if (std::find(kCodecs.begin(), kCodecs.end(), codec.codec_id) == kCodecs.end()) {
    throw VideoError(
        path_, "unsupported codec",
        std::string("its codec is ") + avcodec_get_name(codec.codec_id) + ", expected one of " + kDecoders);
  }
  const int64_t pixels = int64_t{codec.width} * codec.height;
  if (pixels > limits_.max_pixels_per_frame) {
    throw VideoError(path_, "too large",
                     "frames of " + std::to_string(codec.width) + "x" + std::to_string(codec.height) +
                         ", expected at most " + std::to_string(limits_.max_pixels_per_frame) + " pixels");
  }
  if (pixels <= 0) throw VideoError(path_, "undecodable", "the size of its frames cannot be found");
}

std::string Demuxer::container() const {
  const std::string names = format_->iformat->name;
  return names.substr(0, names.find(','));
}

bool Demuxer::next(AVPacket* packet) {
  for (;;) {
    const int code = av_read_frame(format_.get(), packet);
    if (code == AVERROR_EOF) return false;
    require_no_system_fault(code, path_);
    if (code < 0) {
      throw VideoError(path_, "truncated",
                       "breaks off after " + std::to_string(counters_.packets_read) + " packets: " + av_text(code));
    }
    if (packet->stream_index != stream_->index) {
      av_packet_unref(packet);
      continue;
    }
    ++counters_.packets_read;
    if (packet->flags & AV_PKT_FLAG_CORRUPT) {
      throw VideoError(path_, "truncated",
                       "packet " + std::to_string(counters_.packets_read) + " is cut short or damaged");
    }
    if (packet->size > 0) return true;
    av_packet_unref(packet);
  }
}

bool Demuxer::seek(int64_t timestamp) {
  return av_seek_frame(format_.get(), stream_->index, timestamp, AVSEEK_FLAG_BACKWARD) >= 0;
}

void Demuxer::rewind() {
  format_.reset();
  open();
}

AvCodec Demuxer::open_decoder() const {
  const AVCodec* decoder = avcodec_find_decoder(stream_->codecpar->codec_id);
  const std::string name = avcodec_get_name(stream_->codecpar->codec_id);
  if (decoder == nullptr) {
    throw VideoError(path_, "unsupported codec", "this FFmpeg has no decoder for " + name + ": install one that has");
  }
  AvCodec codec(avcodec_alloc_context3(decoder));
  if (!codec || avcodec_parameters_to_context(codec.get(), stream_->codecpar) < 0) {
    throw core::IoError(path_ + ": cannot set up the decoder for " + name + ": out of memory");
  }
  codec->pkt_timebase = stream_->time_base;
  // HEVC may carry checksums of its pictures.
  if (codec->codec_id == AV_CODEC_ID_HEVC) codec->err_recognition |= AV_EF_CRCCHECK | AV_EF_EXPLODE;
  codec->thread_type = FF_THREAD_FRAME | FF_THREAD_SLICE;
  Dictionary options;
  fill_decoder_options(options, limits_.max_pixels_per_frame, std::max(1, limits_.threads));
  const int code = avcodec_open2(codec.get(), decoder, options.get());
  if (code < 0) throw VideoError(path_, "undecodable", "the decoder for " + name + " refuses it: " + av_text(code));
  return codec;
}

}  // namespace permafrost::data
