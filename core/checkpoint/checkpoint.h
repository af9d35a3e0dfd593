// Checkpoint directories: complete or absent.
//
//   CheckpointStore store("runs/a/checkpoints", /*keep=*/3);
//   store.save({step, model, optimizer, progress});
//   if (auto checkpoint = store.load_newest()) resume(*checkpoint);
//
// RUN/checkpoints/step-00000400/ holds model.safetensors, optimizer.safetensors, state.json and manifest.json, the
// SHA-256 and size of the other three. It is written under another name, every file fsynced, and renamed; then the
// link `latest` is replaced. A checkpoint is read back only if the manifest fits every byte of it. An evaluation takes
// longer than a job may have left, so it comes later: evaluation.json, with its own SHA-256, and the link `best`.
#pragma once

#include <torch/types.h>

#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

namespace permafrost::core {

struct Checkpoint {
  int64_t step = 0;
  std::map<std::string, torch::Tensor> model;
  std::map<std::string, torch::Tensor> optimizer;
  nlohmann::json state;       // whatever the trainer needs to go on, plus "step" and "weights_sha256"
  nlohmann::json evaluation;  // {"top1", ...}; null before add_evaluation; ignored by save
  std::string directory;      // where it was read from; ignored by save
};

// Throws DataError naming the file and what is wrong with it, or IoError.
Checkpoint read_checkpoint(const std::string& directory);

class CheckpointStore {
 public:
  // Keeps the newest `keep` checkpoints, and the best. Creates the directory.
  CheckpointStore(std::string directory, int64_t keep);

  void save(const Checkpoint& checkpoint);
  // What an evaluation of the checkpoint of `step` found. Nothing where there is no such checkpoint any more.
  void add_evaluation(int64_t step, const nlohmann::json& evaluation);
  // The newest that is whole; a damaged newer one is told by a warning. Nothing where there is none at all; DataError
  // where there are some and all are damaged.
  std::optional<Checkpoint> load_newest() const;
  // The one whose evaluation has the largest "top1", the older of equals; what of it is damaged is a DataError, and so
  // is a store without an evaluated one.
  Checkpoint load_best() const;
  // Its directory, or "" where none was evaluated.
  std::string best() const;
  // Directories, oldest first.
  std::vector<std::string> list() const;

 private:
  void remove_leftovers() const;
  void remove_old(const std::string& best) const;

  std::string directory_;
  int64_t keep_;
};

}  // namespace permafrost::core
