// Writes checkpoints while training goes on: save() takes a copy, a thread of its own puts it on disk.
//
//   CheckpointWriter writer(store);
//   writer.save(checkpoint);   // returns once the tensors are copied
//   writer.poll();             // now and then: throws what went wrong since
//   writer.finish();           // returns once the last one is on disk
//
// One is written at a time: the next save() waits for it. All functions throw what writing threw, once.
#pragma once

#include <future>

#include "core/checkpoint/checkpoint.h"

namespace permafrost::core {

class CheckpointWriter {
 public:
  // The store must outlive it, and is its own while something is being written.
  explicit CheckpointWriter(CheckpointStore& store) : store_(store) {}
  // Waits for the last one; what goes wrong then is only logged.
  ~CheckpointWriter();
  CheckpointWriter(const CheckpointWriter&) = delete;
  CheckpointWriter& operator=(const CheckpointWriter&) = delete;

  void save(const Checkpoint& checkpoint);
  void poll();
  bool is_writing() const;
  void finish();

 private:
  CheckpointStore& store_;
  Checkpoint copy_;  // its memory is used again by the next
  std::future<void> writing_;
};

}  // namespace permafrost::core
