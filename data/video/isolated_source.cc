#include "data/video/isolated_source.h"

#include "data/video/decode_child.h"

namespace permafrost::data {
namespace {

using Json = nlohmann::json;

VideoInfo info_of(const Json& json) {
  return {.width = json.at("width"),
          .height = json.at("height"),
          .frames = json.at("frames"),
          .duration_seconds = json.at("duration_seconds"),
          .frames_per_second = json.at("frames_per_second"),
          .codec = json.at("codec"),
          .container = json.at("container")};
}

DecodeCounters counters_of(const Json& json) {
  return {.packets_read = json.at(0), .packets_decoded = json.at(1), .frames = json.at(2), .seeks = json.at(3)};
}

class IsolatedSource : public FrameSource {
 public:
  IsolatedSource(const std::string& path, const DecodeLimits& limits) : FrameSource(path, limits) {
    try {
      open();
    } catch (const Json::type_error&) {
      throw core::IoError("a video whose name is not UTF-8 cannot be opened in a child process: rename it");
    }
  }

  double seconds(int64_t frame) const override { return ask({{"do", "time"}, {"frame", frame}}).get<double>(); }

  void read_into(const std::vector<int64_t>& indices, const torch::Tensor& pixels) override {
    ask({{"do", "read"}, {"indices", indices}});
    limits_.child->receive(path_, pixels.mutable_data_ptr(), pixels.nbytes());
  }

  void decode_to_end() override { ask({{"do", "decode"}}); }

 private:
  void open() {
    info_ = info_of(ask({{"do", "open"}, {"path", path_}, {"limits", to_json(limits_)}}));
    child_ = limits_.child->running();
  }

  Json ask(const Json& request) const {
    const bool is_lost = child_ > 0 && child_ != limits_.child->running();
    if (is_lost) throw VideoError(path_, "crashes the decoder", "the process that had it open is gone");
    const Json reply = Json::parse(limits_.child->ask(path_, request.dump()));
    if (reply.contains("kind")) throw VideoError(path_, reply["kind"], reply["detail"]);
    if (reply.contains("io_error")) throw core::IoError(reply["io_error"].get<std::string>());
    if (reply.contains("counters")) counters_ = counters_of(reply["counters"]);
    return reply.at("result");
  }

  int64_t child_ = 0;  // that has the file open
};

}  // namespace

std::unique_ptr<FrameSource> open_isolated(const std::string& path, const DecodeLimits& limits) {
  return std::make_unique<IsolatedSource>(path, limits);
}

Json to_json(const DecodeLimits& limits) {
  return {limits.max_pixels_per_frame, limits.max_duration_seconds, limits.max_packets,
          limits.max_read_bytes,       limits.max_kept_bytes,       limits.threads};
}

DecodeLimits limits_of(const Json& json) {
  return {.max_pixels_per_frame = json.at(0),
          .max_duration_seconds = json.at(1),
          .max_packets = json.at(2),
          .max_read_bytes = json.at(3),
          .max_kept_bytes = json.at(4),
          .threads = json.at(5)};
}

Json to_json(const VideoInfo& info) {
  return {{"width", info.width},
          {"height", info.height},
          {"frames", info.frames},
          {"duration_seconds", info.duration_seconds},
          {"frames_per_second", info.frames_per_second},
          {"codec", info.codec},
          {"container", info.container}};
}

Json to_json(const DecodeCounters& counters) {
  return {counters.packets_read, counters.packets_decoded, counters.frames, counters.seeks};
}

}  // namespace permafrost::data
