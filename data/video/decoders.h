// Which videos this FFmpeg can read.
#pragma once

#include <string>

namespace permafrost::data {

// "FFmpeg 5.1.6"
std::string decoder_library();
// By FFmpeg's name of the codec: "h264", "av1".
bool has_decoder(const std::string& name);

}  // namespace permafrost::data
