// Scalars for TensorBoard: a file of events in a run's folder.
//
//   EventFile events("runs/a", /*first_step=*/400);   // of an earlier start, what was told from step 400 on is void
//   events.write(410, {{"train/loss", 2.1}});
//
// Records as TFRecord frames them: length, payload, and a masked CRC32C of each.
#pragma once

#include <cstdint>
#include <map>
#include <string>

#include "core/base/file.h"

namespace permafrost::launch {

class EventFile {
 public:
  // Throws IoError.
  EventFile(const std::string& folder, int64_t first_step);
  void write(int64_t step, const std::map<std::string, double>& scalars);

 private:
  void append(const std::string& payload);

  std::string path_;
  core::FileDescriptor fd_;
};

}  // namespace permafrost::launch
