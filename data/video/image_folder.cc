#include <algorithm>
#include <cstring>
#include <filesystem>
#include <optional>
#include <utility>

#include "core/base/file.h"
#include "data/video/frame_converter.h"
#include "data/video/frame_source.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

constexpr double kFramesPerSecond = 30;  // the folder does not say
constexpr uint64_t kMostImageBytes = uint64_t{64} << 20;

bool is_image(const fs::path& path) {
  std::string extension = path.extension().string();
  std::transform(extension.begin(), extension.end(), extension.begin(), ::tolower);
  const bool is_hidden = path.filename().string().front() == '.';
  return !is_hidden && (extension == ".jpg" || extension == ".jpeg" || extension == ".png");
}

// Numbers need not be padded: img_2 comes before img_10.
bool comes_before(const std::string& a, const std::string& b) {
  return a.size() != b.size() ? a.size() < b.size() : a < b;
}

// The decoders fill up what is missing at the end of a file; a few bytes of padding may follow its last mark.
bool is_cut_short(const std::string& bytes, AVCodecID id) {
  constexpr size_t kPadding = 4096;
  const size_t end = bytes.rfind(id == AV_CODEC_ID_PNG ? "IEND" : "\xff\xd9");
  return end == std::string::npos || bytes.size() - end > kPadding;
}

class ImageDecoder {
 public:
  ImageDecoder(AVCodecID id, const DecodeLimits& limits) : codec_(avcodec_alloc_context3(avcodec_find_decoder(id))) {
    if (!codec_) throw core::IoError("cannot decode images: out of memory");
    codec_->max_pixels = limits.max_pixels_per_frame;
    codec_->thread_count = 1;
    codec_->err_recognition = AV_EF_EXPLODE;
    const int code = avcodec_open2(codec_.get(), nullptr, nullptr);
    if (code < 0) throw core::IoError(std::string("this FFmpeg cannot decode ") + avcodec_get_name(id));
  }

  void decode(const std::string& path, AVFrame* frame) {
    const std::string bytes = core::read_text(path, kMostImageBytes);
    const AvPacket packet(av_packet_alloc());
    if (!packet || av_new_packet(packet.get(), static_cast<int>(bytes.size())) < 0) {
      throw core::IoError(path + ": cannot decode: out of memory");
    }
    std::memcpy(packet->data, bytes.data(), bytes.size());
    int code = avcodec_send_packet(codec_.get(), packet.get());
    if (code >= 0) code = avcodec_receive_frame(codec_.get(), frame);
    const bool is_damaged = code >= 0 && ((frame->flags & AV_FRAME_FLAG_CORRUPT) || frame->decode_error_flags != 0 ||
                                          is_cut_short(bytes, codec_->codec_id));
    if (code >= 0 && !is_damaged) return;
    const fs::path file(path);
    throw VideoError(file.parent_path().string(), "undecodable",
                     "its image " + file.filename().string() +
                         " does not decode: " + (is_damaged ? "it is damaged" : av_text(code)));
  }

 private:
  AvCodec codec_;
};

class ImageFolder : public FrameSource {
 public:
  ImageFolder(const std::string& path, const DecodeLimits& limits);

  double seconds(int64_t frame) const override { return static_cast<double>(frame) / kFramesPerSecond; }
  void read_into(const std::vector<int64_t>& indices, const torch::Tensor& pixels) override;
  void decode_to_end() override;

 private:
  void list_images();
  void decode(int64_t frame);

  std::vector<std::string> images_;
  std::optional<ImageDecoder> jpeg_, png_;
  AvFrame frame_{av_frame_alloc()};
  std::unique_ptr<FrameConverter> converter_;
};

ImageFolder::ImageFolder(const std::string& path, const DecodeLimits& limits) : FrameSource(path, limits) {
  list_images();
  info_.frames = static_cast<int64_t>(images_.size());
  info_.frames_per_second = kFramesPerSecond;
  info_.duration_seconds = seconds(info_.frames);
  info_.container = "images";
  decode(0);
  info_.codec = png_ ? "png" : "mjpeg";
  info_.width = frame_->width;
  info_.height = frame_->height;
  converter_ = std::make_unique<FrameConverter>(path, info_.height, info_.width);
}

void ImageFolder::list_images() {
  std::error_code error;
  for (const fs::directory_entry& entry : fs::directory_iterator(path_, error)) {
    std::error_code broken;  // a link to nowhere or to itself is no image
    if (is_image(entry.path()) && entry.is_regular_file(broken)) images_.push_back(entry.path().string());
  }
  if (error) throw core::IoError(path_ + ": cannot list the folder: " + error.message());
  if (images_.empty()) throw VideoError(path_, "not a video", "expected JPEG or PNG images in the folder, found none");
  if (static_cast<int64_t>(images_.size()) > limits_.max_packets) {
    throw VideoError(path_, "too long", "has more than " + std::to_string(limits_.max_packets) + " images");
  }
  std::sort(images_.begin(), images_.end(), comes_before);
}

void ImageFolder::decode(int64_t frame) {
  const std::string& image = images_[static_cast<size_t>(frame)];
  const bool is_png = fs::path(image).extension().string().find_first_of("nN") != std::string::npos;
  std::optional<ImageDecoder>& decoder = is_png ? png_ : jpeg_;
  if (!decoder) decoder.emplace(is_png ? AV_CODEC_ID_PNG : AV_CODEC_ID_MJPEG, limits_);
  decoder->decode(image, frame_.get());
  ++counters_.packets_read;
  ++counters_.packets_decoded;
  ++counters_.frames;
}

void ImageFolder::read_into(const std::vector<int64_t>& indices, const torch::Tensor& pixels) {
  std::vector<int64_t> places(indices.size());
  for (size_t i = 0; i < places.size(); ++i) places[i] = static_cast<int64_t>(i);
  std::sort(places.begin(), places.end(), [&](int64_t a, int64_t b) { return indices[a] < indices[b]; });
  int64_t last = -1;
  for (const int64_t place : places) {
    if (std::exchange(last, indices[place]) != indices[place]) decode(indices[place]);
    converter_->convert(*frame_, pixels.select(0, place));  // [3,H,W]
  }
}

void ImageFolder::decode_to_end() {
  for (int64_t i = 0; i < info_.frames; ++i) {
    decode(i);
    converter_->require_size(*frame_);
  }
}

}  // namespace

std::unique_ptr<FrameSource> open_image_folder(const std::string& path, const DecodeLimits& limits) {
  return std::make_unique<ImageFolder>(path, limits);
}

}  // namespace permafrost::data
