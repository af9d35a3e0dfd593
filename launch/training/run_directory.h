// What a run leaves behind for people and scripts: metrics.jsonl, status.json, and results, each readable at any time.
//
//   RunDirectory run("runs/a");
//   run.log({{"step", 10}, {"loss", 2.1}});
//   run.set_status({{"state", "running"}, {"step", 10}});
//
// Only rank 0 writes. checkpoints/ beside them belongs to core::CheckpointStore.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "core/base/file.h"
#include "core/base/options.h"
#include "launch/tensorboard/event_file.h"

namespace permafrost::launch {

class RunDirectory {
 public:
  // Creates the directory if need be.
  explicit RunDirectory(std::string path);

  const std::string& path() const { return path_; }
  std::string checkpoints() const { return path_ + "/checkpoints"; }

  // Appends a line to metrics.jsonl, with the time. A line that a kill cut short is ended first. The file is opened by
  // the first line, so that who only writes results needs no right to it.
  void log(nlohmann::json line);
  // From here on what log() is given is told to TensorBoard too, in an event file of the same folder: of an earlier
  // start, what came after `step` is void.
  void start_events(int64_t step);
  // Publishes status.json whole.
  void set_status(const nlohmann::json& status);
  // Publishes NAME whole.
  void write(const std::string& name, const nlohmann::json& value);

 private:
  void open_metrics();

  std::string path_;
  core::FileDescriptor metrics_;
  std::optional<EventFile> events_;
};

// `value` on one line (-1), or with so many blanks of indent. Names of files need not be UTF-8: what is not is
// replaced.
std::string json_text(const nlohmann::json& value, int indent);

// [{"name", "value", "origin"}, ...] of every option.
nlohmann::json describe_options(const core::OptionTable& table);
// Versions, host, cores and ranks.
nlohmann::json describe_environment(int64_t ranks, int64_t threads, torch::Device device);

}  // namespace permafrost::launch
