#include "core/checkpoint/checkpoint.h"

#include <torch/types.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <filesystem>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "core/base/file.h"
#include "core/base/log.h"
#include "core/checkpoint/safetensors.h"
#include "core/checkpoint/state.h"

namespace permafrost::core {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

constexpr std::array<const char*, 3> kFiles{"model.safetensors", "optimizer.safetensors", "state.json"};

std::string name_of_step(int64_t step) {
  char name[32];
  std::snprintf(name, sizeof name, "step-%08lld", static_cast<long long>(step));
  return name;
}

json read_json(const std::string& path) {
  json value = json::parse(read_text(path, 64 << 20), nullptr, /*allow_exceptions=*/false);
  if (!value.is_object()) throw DataError(path + ": expected a JSON object: the checkpoint is damaged");
  return value;
}

void write_manifest(const std::string& directory) {
  json manifest{{"permafrost_checkpoint", 1}, {"files", json::object()}};
  for (const char* name : kFiles) {
    const std::string path = directory + "/" + name;
    manifest["files"][name] = {{"bytes", file_bytes(path)}, {"sha256", sha256_of_file(path)}};
  }
  publish_text(directory + "/manifest.json", manifest.dump(2) + "\n");
}

void verify_manifest(const std::string& directory) {
  const std::string manifest_path = directory + "/manifest.json";
  const json manifest = read_json(manifest_path);
  try {
    if (const json& format = manifest.at("permafrost_checkpoint"); format != 1) {
      throw DataError(manifest_path + ": expected a checkpoint of format 1, found " + format.dump() +
                      ": read it with the version of permafrost that wrote it");
    }
    for (const char* name : kFiles) {
      const std::string path = directory + "/" + name;
      const auto& entry = manifest.at("files").at(name);
      if (file_bytes(path) != entry.at("bytes").get<uint64_t>() ||
          sha256_of_file(path) != entry.at("sha256").get<std::string>()) {
        throw DataError(path + ": its bytes do not fit manifest.json: the checkpoint is damaged");
      }
    }
  } catch (const json::exception& error) {
    throw DataError(manifest_path + ": " + error.what() + ": the checkpoint is damaged");
  }
}

// Points `link` at `target` in one step, so that it names the old or the new checkpoint and never none.
void replace_link(const std::string& link, const std::string& target) {
  const std::string partial = partial_name(link);
  ::unlink(partial.c_str());
  if (::symlink(target.c_str(), partial.c_str()) != 0) throw io_error(partial, "create a link");
  if (::rename(partial.c_str(), link.c_str()) != 0) throw io_error(link, "replace the link");
  sync_file(fs::path(link).parent_path().string());
}

// Null where it was not evaluated. A damaged one is told and counts as none: the weights are as they were.
json evaluation_of(const std::string& directory) {
  const std::string path = directory + "/evaluation.json";
  if (!fs::exists(path)) return nullptr;
  try {
    const json file = read_json(path);
    if (file.value("sha256", "") == sha256_hex(file.at("evaluation").dump())) return file["evaluation"];
  } catch (const std::exception&) {  // of the file, or of JSON
  }
  log_warning() << path << ": its bytes do not fit its sha256: the checkpoint counts as not evaluated";
  return nullptr;
}

double validation_top1(const std::string& directory) {
  const json evaluation = evaluation_of(directory);
  return evaluation.is_object() && evaluation.contains("top1") ? evaluation["top1"].get<double>() : -1;
}

// First its name goes: what is left where power is lost in the middle is no damaged checkpoint.
void take_down(const std::string& directory) {
  const std::string partial = partial_name(directory + "-old");
  if (::rename(directory.c_str(), partial.c_str()) != 0) throw io_error(directory, "rename it, to remove it");
  sync_file(fs::path(directory).parent_path().string());
  fs::remove_all(partial);
}

}  // namespace

Checkpoint read_checkpoint(const std::string& directory) {
  verify_manifest(directory);
  Checkpoint checkpoint;
  checkpoint.directory = directory;
  checkpoint.state = read_json(directory + "/state.json");
  checkpoint.evaluation = evaluation_of(directory);
  checkpoint.step = checkpoint.state.value("step", int64_t{-1});
  checkpoint.model = read_safetensors(directory + "/model.safetensors").tensors;
  checkpoint.optimizer = read_safetensors(directory + "/optimizer.safetensors").tensors;
  if (checkpoint.step < 0) throw DataError(directory + "/state.json: expected a step: the checkpoint is damaged");
  return checkpoint;
}

CheckpointStore::CheckpointStore(std::string directory, int64_t keep) : directory_(std::move(directory)), keep_(keep) {
  make_directories(directory_);
}

void CheckpointStore::save(const Checkpoint& checkpoint) {
  remove_leftovers();
  const std::string name = name_of_step(checkpoint.step);
  const std::string final_path = directory_ + "/" + name, partial = partial_name(final_path);
  fs::remove_all(partial);
  make_directories(partial);
  write_safetensors(partial + "/model.safetensors", checkpoint.model);
  write_safetensors(partial + "/optimizer.safetensors", checkpoint.optimizer);
  json state = checkpoint.state;
  state["step"] = checkpoint.step;
  state["weights_sha256"] = sha256_of(checkpoint.model);
  publish_text(partial + "/state.json", state.dump(2) + "\n");
  write_manifest(partial);
  if (fs::exists(final_path)) take_down(final_path);  // a damaged one of the same step, passed over at resume
  publish(partial, final_path);
  replace_link(directory_ + "/latest", name);
  remove_old(best());
}

void CheckpointStore::add_evaluation(int64_t step, const json& evaluation) {
  const std::string directory = directory_ + "/" + name_of_step(step);
  if (!fs::exists(directory)) return;
  const json file{{"evaluation", evaluation}, {"sha256", sha256_hex(evaluation.dump())}};
  publish_text(directory + "/evaluation.json", file.dump(2) + "\n");
  const std::string best = this->best();
  if (!best.empty()) replace_link(directory_ + "/best", fs::path(best).filename().string());
  remove_old(best);
}

// All but the newest and the best.
void CheckpointStore::remove_old(const std::string& best) const {
  const std::vector<std::string> all = list();
  for (size_t i = 0; i + static_cast<size_t>(keep_) < all.size(); ++i) {
    if (all[i] != best) take_down(all[i]);
  }
}

std::string CheckpointStore::best() const {
  std::string best;
  double most = -1;
  for (const std::string& path : list()) {
    const double top1 = validation_top1(path);
    if (top1 > most) best = path;
    most = std::max(most, top1);
  }
  return best;
}

Checkpoint CheckpointStore::load_best() const {
  for (std::string path = best(); !path.empty(); path = best()) {
    try {
      return read_checkpoint(path);
    } catch (const Error&) {
      if (fs::exists(path)) throw;  // else a run that goes on has found a better one, and has taken this one down
    }
  }
  throw DataError(directory_ + ": expected a checkpoint with an evaluation, found none: train with " +
                  "train.evaluate_every_epochs, or take the newest");
}

std::optional<Checkpoint> CheckpointStore::load_newest() const {
  std::vector<std::string> all = list();
  for (auto path = all.rbegin(); path != all.rend(); ++path) {
    try {
      return read_checkpoint(*path);
    } catch (const Error& error) {
      if (!fs::exists(*path)) return load_newest();  // a run that goes on has newer ones, and has taken this one down
      log_warning() << "checkpoint passed over, trying the one before: " << error.what();
    }
  }
  if (all.empty()) return std::nullopt;
  throw DataError(directory_ + ": all " + std::to_string(all.size()) +
                  " checkpoints are damaged: restore one, or remove the folder to start again");
}

std::vector<std::string> CheckpointStore::list() const {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(directory_)) {
    const std::string name = entry.path().filename().string();
    if (name.starts_with("step-") && !is_partial_name(name)) found.push_back(entry.path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

void CheckpointStore::remove_leftovers() const {
  for (const auto& entry : fs::directory_iterator(directory_)) {
    if (is_partial_name(entry.path().filename().string())) fs::remove_all(entry.path());
  }
}

}  // namespace permafrost::core
