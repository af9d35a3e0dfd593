// What a scan has found so far, on disk, so that one that was killed goes on where it was.
//
//   ScanJournal journal("m.jsonl", root, options);
//   for (const auto& [place, entry] : journal.found(listed)) ...   // what earlier scans have left, checked
//   const std::string stamp = journal.stamp(listed[i]);            // before its file is opened
//   journal.add(listed[i], stamp, entry);
//   journal.remove();                                              // the manifest is published
//
// Beside the manifest, MANIFEST.scan/: one file of lines for each process that took part, `HOST-PID.jsonl`. The first
// line names root and options, each other line one probed video: how it was listed, what its file's size and time were,
// what was found, and a checksum. Not believed, and probed again, is a line that a kill cut short, a video that is now
// listed otherwise, a file that has changed since, and, of an earlier scan, a failure that may pass: of reading, of
// time, of memory, of decoding.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/base/file.h"
#include "data/dataset/list.h"
#include "data/dataset/manifest.h"
#include "data/dataset/scan.h"

namespace permafrost::data {

class ScanJournal {
 public:
  // Creates the folder; what is in it by then is of earlier scans. Files of a scan of another root or with other
  // options are not read.
  ScanJournal(const std::string& manifest, std::string root, const ScanOptions& options);

  // By place in `listed`: what all processes have found. Videos that the list itself rejects are not among them.
  std::map<int64_t, ManifestEntry> found(const std::vector<ListedVideo>& listed) const;
  // What changes when a video's file does: sizes and times, of a folder those of its images.
  std::string stamp(const ListedVideo& video) const;
  // Written before it returns; the line is whole in the file or not there.
  void add(const ListedVideo& video, const std::string& stamp, const ManifestEntry& entry);
  // The folder and all in it.
  void remove();

  const std::string& folder() const { return folder_; }

 private:
  void append(const std::string& line);

  std::string folder_, root_, header_, own_path_;
  std::set<std::string> earlier_;  // files of earlier scans
  core::FileDescriptor own_;
};

// SHA-256 over all that the list says: whether two ranks see the same.
std::string identity_of(const std::vector<ListedVideo>& listed);

}  // namespace permafrost::data
