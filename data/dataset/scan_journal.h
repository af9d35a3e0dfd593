// What a scan has found so far, on disk, so that one that was killed goes on where it was.
//
//   ScanJournal journal("m.jsonl", identity_of(root, listed, options));
//   for (const auto& [place, entry] : journal.found()) ...       // what earlier scans have left, checked
//   journal.add(place, entry);
//   journal.remove();                                            // the manifest is published
//
// Beside the manifest, MANIFEST.scan/: one file of lines for each process that took part, `HOST-PID.jsonl`. The first
// line names the scan (a hash of list, root and options), each other line one probed video with its place in the list,
// the time its file was last changed and a checksum. A last line that a kill cut short is left out, as is a video whose
// file has changed since.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "data/dataset/list.h"
#include "data/dataset/manifest.h"
#include "data/dataset/scan.h"

namespace permafrost::data {

// SHA-256 over everything that a scan's result depends on beside the files.
std::string scan_identity(const std::string& root, const std::vector<ListedVideo>& listed, const ScanOptions& options);

class ScanJournal {
 public:
  // Creates the folder. Files of another scan are not read.
  ScanJournal(const std::string& manifest, std::string identity, std::string root);

  // By place in the list: what all processes have found.
  std::map<int64_t, ManifestEntry> found() const;
  // Written before it returns; the line is whole in the file or not there.
  void add(int64_t place, const ManifestEntry& entry);
  // The folder and all in it.
  void remove();

  const std::string& folder() const { return folder_; }

 private:
  void append(const std::string& line);
  int64_t changed_at(const ManifestEntry& entry) const;

  std::string folder_, identity_, root_, own_path_;
  core::FileDescriptor own_;
};

}  // namespace permafrost::data
