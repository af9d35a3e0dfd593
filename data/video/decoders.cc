#include "data/video/decoders.h"

extern "C" {
#include <libavcodec/avcodec.h>
#include <libavutil/avutil.h>
}

namespace permafrost::data {

std::string decoder_library() { return std::string("FFmpeg ") + av_version_info(); }

bool has_decoder(const std::string& name) {
  const AVCodecDescriptor* const codec = avcodec_descriptor_get_by_name(name.c_str());
  return codec != nullptr && avcodec_find_decoder(codec->id) != nullptr;
}

}  // namespace permafrost::data
