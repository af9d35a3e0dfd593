#include "core/checkpoint/checkpoint.h"

#include <filesystem>
#include <iostream>
#include <nlohmann/json.hpp>

#include "core/base/error.h"
#include "launch/verbs/verbs.h"

namespace permafrost::launch {
namespace {

using nlohmann::json;

std::string checkpoints_of(const std::string& run) {
  const std::string directory = run + "/checkpoints";
  if (!std::filesystem::is_directory(directory)) {
    throw core::IoError(directory + ": expected the checkpoints of a run, found no such folder: give --run");
  }
  return directory;
}

int print_info(const Invocation& invocation, const std::string& directory) {
  const auto newest = core::CheckpointStore(directory, 1).load_newest();
  if (!newest) throw core::DataError(directory + ": expected a checkpoint, found none: train first");
  json info = newest->state;
  info["directory"] = newest->directory;
  if (invocation.settings.has.json) {
    std::cout << info.dump(2) << "\n";
    return core::kExitDone;
  }
  for (const char* name : {"directory", "step", "steps", "epoch", "ranks", "weights_sha256"}) {
    if (info.contains(name)) std::cout << name << ": " << info[name] << "\n";
  }
  return core::kExitDone;
}

int verify_all(const std::string& directory) {
  int damaged = 0;
  for (const std::string& path : core::CheckpointStore(directory, 1).list()) {
    try {
      core::read_checkpoint(path);
      std::cout << path << ": whole\n";
    } catch (const core::Error& error) {
      std::cout << "damaged: " << error.what() << "\n";
      ++damaged;
    }
  }
  return damaged == 0 ? core::kExitDone : core::kExitError;
}

}  // namespace

int run_checkpoint(Invocation& invocation) {
  const std::string what = invocation.words.empty() ? "" : invocation.words[0];
  if (what != "info" && what != "verify") {
    throw core::ConfigError("expected `checkpoint info` or `checkpoint verify`, found '" + what + "'");
  }
  const std::string directory = checkpoints_of(invocation.need(invocation.settings.path.run, "run"));
  return what == "info" ? print_info(invocation, directory) : verify_all(directory);
}

}  // namespace permafrost::launch
