// How long a video file says it is. FFmpeg decodes what is left of a truncated file and reports success.
//
//   if (const auto bytes = declared_bytes(path); bytes && *bytes > file_bytes(path)) { /* truncated */ }
//
// Internal to data/video.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace permafrost::data {

// The least length of the file by its own headers: the end of the last `mdat` or `moov` box of an MP4, of the segment
// of a Matroska file, of the RIFF chunk of an AVI. Empty for other formats and where the file leaves it open (a
// recording that was streamed). Never throws for strange content; throws IoError where the file cannot be read.
std::optional<uint64_t> declared_bytes(const std::string& path);

}  // namespace permafrost::data
