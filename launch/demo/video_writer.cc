#include "launch/demo/video_writer.h"

#include <unistd.h>

#include <cerrno>
#include <memory>
#include <sstream>

#include "core/base/error.h"
#include "core/base/file.h"
#include "data/video/av.h"

extern "C" {
#include <libavutil/opt.h>
}

namespace permafrost::launch {
namespace {

using data::AvCodec;
using data::AvFrame;
using data::AvPacket;
using data::AvScaler;

// `path` is in every message, so that a failure names its file.
int require(int code, const std::string& path, const char* action) {
  if (code < 0) throw core::IoError(path + ": cannot " + action + ": " + data::av_text(code));
  return code;
}

template <class T>
T* require(T* pointer, const std::string& path, const char* action) {
  if (pointer == nullptr) throw core::IoError(path + ": cannot " + action);
  return pointer;
}

struct MuxerDeleter {
  void operator()(AVFormatContext* format) const {
    avio_closep(&format->pb);
    avformat_free_context(format);
  }
};
using Muxer = std::unique_ptr<AVFormatContext, MuxerDeleter>;

Muxer open_muxer(const std::string& partial) {
  AVFormatContext* format = nullptr;
  require(avformat_alloc_output_context2(&format, nullptr, "mp4", nullptr), partial, "prepare an mp4 file");
  Muxer muxer(format);
  muxer->flags |= AVFMT_FLAG_BITEXACT;
  require(avio_open(&muxer->pb, ("file:" + partial).c_str(), AVIO_FLAG_WRITE), partial, "create");
  return muxer;
}

AvCodec open_encoder(const torch::Tensor& frames, const VideoOptions& options, const AVFormatContext& muxer,
                     const std::string& path) {
  const AVCodec* x264 = require(avcodec_find_encoder_by_name("libx264"), path,
                                "encode: FFmpeg lacks libx264; install a build of FFmpeg that has it");
  AvCodec codec(require(avcodec_alloc_context3(x264), path, "allocate an encoder"));
  codec->width = static_cast<int>(frames.size(3));
  codec->height = static_cast<int>(frames.size(2));
  codec->pix_fmt = AV_PIX_FMT_YUV420P;
  codec->colorspace = AVCOL_SPC_SMPTE170M;
  codec->color_range = AVCOL_RANGE_MPEG;
  codec->time_base = {1, options.frames_per_second};
  codec->framerate = {options.frames_per_second, 1};
  codec->thread_count = 1;
  codec->flags |= AV_CODEC_FLAG_BITEXACT;
  if (muxer.oformat->flags & AVFMT_GLOBALHEADER) codec->flags |= AV_CODEC_FLAG_GLOBAL_HEADER;
  require(av_opt_set(codec->priv_data, "preset", options.preset.c_str(), 0), path, "set the encoder's preset");
  require(av_opt_set_int(codec->priv_data, "crf", options.quality, 0), path, "set the encoder's quality");
  // Without mbtree: on frames of a few macroblocks its assembly reads memory that nothing wrote, and the same frames
  // are not the same bytes twice.
  require(av_opt_set(codec->priv_data, "x264-params", "log-level=error:mbtree=0", 0), path, "set the encoder's ways");
  av_log_set_level(AV_LOG_ERROR);  // x264 writes a page of statistics for every clip
  require(avcodec_open2(codec.get(), x264, nullptr), path, "open the encoder");
  return codec;
}

// One file being written: frames in, packets out.
class Writer {
 public:
  Writer(const std::string& partial, const torch::Tensor& frames, const VideoOptions& options)
      : path_(partial),
        muxer_(open_muxer(partial)),
        codec_(open_encoder(frames, options, *muxer_, partial)),
        frame_(require(av_frame_alloc(), path_, "allocate a frame")),
        packet_(require(av_packet_alloc(), path_, "allocate a packet")),
        scaler_(require(sws_getContext(codec_->width, codec_->height, AV_PIX_FMT_GBRP, codec_->width, codec_->height,
                                       codec_->pix_fmt, SWS_BILINEAR | SWS_ACCURATE_RND, nullptr, nullptr, nullptr),
                        path_, "convert colours")) {
    stream_ = require(avformat_new_stream(muxer_.get(), nullptr), path_, "add a stream");
    stream_->time_base = codec_->time_base;
    stream_->avg_frame_rate = codec_->framerate;
    require(avcodec_parameters_from_context(stream_->codecpar, codec_.get()), path_, "describe the stream");
    require(avformat_write_header(muxer_.get(), nullptr), path_, "write the header");
    frame_->format = codec_->pix_fmt;
    frame_->width = codec_->width;
    frame_->height = codec_->height;
    require(av_frame_get_buffer(frame_.get(), 0), path_, "allocate a frame");
  }

  // rgb: one frame, [3, H, W]
  void add(const uint8_t* rgb, int64_t index) {
    require(av_frame_make_writable(frame_.get()), path_, "allocate a frame");
    const int64_t plane = int64_t{codec_->width} * codec_->height;
    const uint8_t* const planes[4] = {rgb + plane, rgb + 2 * plane, rgb, nullptr};  // GBRP's order
    const int strides[4] = {codec_->width, codec_->width, codec_->width, 0};
    require(sws_scale(scaler_.get(), planes, strides, 0, codec_->height, frame_->data, frame_->linesize), path_,
            "convert colours");
    frame_->pts = index;
    encode(frame_.get());
  }

  void finish() {
    encode(nullptr);
    require(av_write_trailer(muxer_.get()), path_, "write the index");
    require(avio_closep(&muxer_->pb), path_, "close");
  }

 private:
  // nullptr: no more frames.
  void encode(const AVFrame* frame) {
    require(avcodec_send_frame(codec_.get(), frame), path_, "encode");
    for (;;) {
      const int code = avcodec_receive_packet(codec_.get(), packet_.get());
      if (code == AVERROR(EAGAIN) || code == AVERROR_EOF) return;
      require(code, path_, "encode");
      packet_->duration = 1;  // frame; the encoder leaves it out and the muxer would guess the last one's
      av_packet_rescale_ts(packet_.get(), codec_->time_base, stream_->time_base);
      packet_->stream_index = stream_->index;
      require(av_interleaved_write_frame(muxer_.get(), packet_.get()), path_, "write");
    }
  }

  std::string path_;
  Muxer muxer_;
  AvCodec codec_;
  AvFrame frame_;
  AvPacket packet_;
  AvScaler scaler_;
  AVStream* stream_ = nullptr;
};

void require_frames(const std::string& path, const torch::Tensor& frames) {
  const bool is_sound = frames.dim() == 4 && frames.scalar_type() == torch::kUInt8 && frames.size(0) >= 1 &&
                        frames.size(1) == 3 && frames.size(2) % 2 == 0 && frames.size(3) % 2 == 0;
  if (is_sound) return;
  std::ostringstream found;
  found << frames.scalar_type() << " " << frames.sizes();
  throw core::ConfigError(path + ": expected frames of bytes [F, 3, H, W] with even H and W, found " + found.str() +
                          ": give an even size");
}

}  // namespace

void write_video(const std::string& path, const torch::Tensor& frames, const VideoOptions& options) {
  require_frames(path, frames);
  const torch::Tensor pixels = frames.contiguous();
  const std::string partial = core::partial_name(path);
  try {
    Writer writer(partial, pixels, options);
    const int64_t frame_bytes = pixels.size(1) * pixels.size(2) * pixels.size(3);
    for (int64_t k = 0; k < pixels.size(0); ++k) writer.add(pixels.data_ptr<uint8_t>() + k * frame_bytes, k);
    writer.finish();
    core::publish(partial, path);
  } catch (...) {
    ::unlink(partial.c_str());
    throw;
  }
}

}  // namespace permafrost::launch
