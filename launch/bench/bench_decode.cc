#include "launch/bench/bench_decode.h"

#include <algorithm>
#include <filesystem>
#include <vector>

#include "core/base/error.h"
#include "core/base/parallel.h"
#include "data/video/sampling.h"
#include "launch/timing.h"

namespace permafrost::launch {
namespace {

namespace fs = std::filesystem;

std::vector<std::string> files_of(const std::string& folder) {
  std::error_code error;
  std::vector<std::string> files;
  for (const fs::directory_entry& entry : fs::directory_iterator(folder, error)) {
    const bool is_hidden = entry.path().filename().string().front() == '.';
    std::error_code broken;  // a link to nowhere
    if (entry.is_regular_file(broken) && !is_hidden) files.push_back(entry.path().string());
  }
  if (error) throw core::IoError(folder + ": expected a folder of videos: " + error.message());
  if (files.empty()) throw core::DataError(folder + ": expected videos in it, found no file");
  std::sort(files.begin(), files.end());
  return files;
}

data::DecodeCounters decode_clip(const std::string& file, const DecodeBench& options) {
  data::VideoReader reader(file, {.threads = static_cast<int>(options.decoder_threads)});
  reader.read(data::sample_view(reader.info().frames, options.frames, 0, 1));
  return reader.counters();
}

}  // namespace

DecodeRate bench_decode(const std::string& folder, const DecodeBench& options) {
  const std::vector<std::string> files = files_of(folder);
  const auto count = static_cast<int64_t>(files.size());
  decode_clip(files.front(), options);  // whatever is set up once
  DecodeRate rate{.files = count};
  const Clock::time_point start = Clock::now();
  while (rate.seconds < options.seconds) {
    core::parallel_in_order(
        count, options.threads, [&](int64_t i) { return decode_clip(files[static_cast<size_t>(i)], options); },
        [&](int64_t, const data::DecodeCounters& work) {
          ++rate.clips;
          rate.work.packets_read += work.packets_read;
          rate.work.packets_decoded += work.packets_decoded;
          rate.work.frames += work.frames;
          rate.work.seeks += work.seeks;
        });
    rate.seconds = seconds_since(start);
  }
  return rate;
}

}  // namespace permafrost::launch
