// Listed videos -> manifest entries: every file is opened and measured, or rejected with its reason.
//
//   ManifestEntry entry = scan_video("k400/videos", listed, {.decode_to_end = true});
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "data/dataset/list.h"
#include "data/dataset/manifest.h"
#include "data/video/decoder.h"

namespace permafrost::data {

struct ScanOptions {
  DecodeLimits limits;
  bool decode_to_end = false;  // prove that every frame decodes; costs a full decode of each file
};

// Probes one listed video. Never throws for a bad one: it comes back rejected, with a reason that names LIST:LINE.
ManifestEntry scan_video(const std::string& root, const ListedVideo& video, const ScanOptions& options = {});
// The same for several that share their file, parts of one long video: it is probed once.
std::vector<ManifestEntry> scan_parts(const std::string& root, const std::vector<ListedVideo>& parts,
                                      const ScanOptions& options = {});

// CRC32C over the bytes of a file, or of a folder's images in order of their names. Throws IoError.
uint32_t content_checksum(const std::string& path);
// Their number.
int64_t content_bytes(const std::string& path);

}  // namespace permafrost::data
