#include "data/dataset/scan_journal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <unordered_map>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "data/dataset/csv.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Numbers of processes come again: the first name that nobody has taken.
std::string free_name(const std::string& folder) {
  const std::string stem = folder + "/" + core::host_name() + "-" + std::to_string(::getpid());
  std::string path = stem + ".jsonl";
  for (int i = 2; fs::exists(path); ++i) path = stem + "-" + std::to_string(i) + ".jsonl";
  return path;
}

// How a video is listed, as text that is compared. Where it is listed matters where a reason says so.
std::string shown(const ListedVideo& video, bool with_source) {
  const Json json{video.id,
                  video.path,
                  video.label,
                  video.split,
                  video.start_seconds.value_or(-1),
                  video.end_seconds.value_or(-1),
                  video.may_be_cut,
                  with_source ? video.source + video.reason : ""};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// "undecodable" too: decoders whose threads are refused memory call the data invalid.
bool may_pass(const ManifestEntry& entry) {
  return entry.reason.starts_with("takes too ") || entry.reason.starts_with("crashes ") ||
         entry.reason.starts_with("unreadable:") || entry.reason.starts_with("undecodable:");
}

std::vector<std::string> journal_files(const std::string& folder) {
  std::vector<std::string> paths;
  std::error_code error;
  for (const fs::directory_entry& file : fs::directory_iterator(folder, error)) {
    if (file.path().extension() == ".jsonl") paths.push_back(file.path().string());
  }
  return paths;
}

struct JournalLine {
  std::string listed;
  std::string stamp;
  ManifestEntry entry;
};

// [checksum, text]: the text is that of [listed, stamp, entry].
std::string write_line(const JournalLine& line) {
  const std::string text = Json{line.listed, line.stamp, entries_to_text({line.entry})}.dump();
  return Json{core::crc32c(text.data(), text.size()), text}.dump();
}

// Nothing where it was cut short or damaged.
std::optional<JournalLine> read_line(const std::string& text) {
  try {
    const Json outer = Json::parse(text);
    const std::string inner = outer.at(1);
    if (outer.at(0) != core::crc32c(inner.data(), inner.size())) return std::nullopt;
    const Json parts = Json::parse(inner);
    return JournalLine{parts.at(0), parts.at(1), entries_from_text(parts.at(2)).front()};
  } catch (const Json::exception&) {
    return std::nullopt;
  }
}

std::string stamp_of(const fs::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) return "gone";
  return std::to_string(status.st_size) + "@" + std::to_string(status.st_mtim.tv_sec) + "." +
         std::to_string(status.st_mtim.tv_nsec);
}

std::string folder_stamp(const fs::path& folder) {
  std::vector<std::string> stamps;
  std::error_code error;
  for (const fs::directory_entry& file : fs::directory_iterator(folder, error)) {
    stamps.push_back(file.path().filename().string() + " " + stamp_of(file.path()));
  }
  std::sort(stamps.begin(), stamps.end());
  core::Sha256 sha;
  for (const std::string& stamp : stamps) sha.update(stamp + "\n");
  return sha.hex();
}

}  // namespace

std::string identity_of(const std::vector<ListedVideo>& listed) {
  core::Sha256 sha;
  for (const ListedVideo& video : listed) sha.update(shown(video, /*with_source=*/true) + "\n");
  return sha.hex();
}

ScanJournal::ScanJournal(const std::string& manifest, std::string root, const ScanOptions& options)
    : folder_(manifest + ".scan"), root_(std::move(root)) {
  const DecodeLimits& limits = options.limits;
  header_ = Json{{"permafrost_scan", kManifestVersion},
                 {"root", fs::weakly_canonical(root_).string()},
                 {"decode", options.decode_to_end},
                 {"limits", {limits.max_pixels_per_frame, limits.max_duration_seconds, limits.max_packets}}}
                .dump();
  core::make_directories(folder_);
  for (const std::string& path : journal_files(folder_)) earlier_.insert(path);
}

std::string ScanJournal::stamp(const ListedVideo& video) const {
  const fs::path path = fs::path(root_) / video.path;
  return fs::is_directory(path) ? folder_stamp(path) : stamp_of(path);
}

std::map<int64_t, ManifestEntry> ScanJournal::found(const std::vector<ListedVideo>& listed) const {
  std::unordered_map<std::string, int64_t> places;
  for (size_t i = 0; i < listed.size(); ++i) {
    if (!listed[i].is_rejected()) places.emplace(listed[i].id, static_cast<int64_t>(i));
  }
  std::map<int64_t, ManifestEntry> found;
  for (const std::string& path : journal_files(folder_)) {
    const std::vector<std::string> lines = lines_of(core::read_text(path, uint64_t{4} << 30));
    if (lines.empty() || lines.front() != header_) continue;
    for (size_t i = 1; i < lines.size(); ++i) {
      std::optional<JournalLine> line = read_line(lines[i]);
      if (!line || (earlier_.contains(path) && may_pass(line->entry))) continue;
      const auto place = places.find(line->entry.id);
      if (place == places.end()) continue;
      const ListedVideo& video = listed[static_cast<size_t>(place->second)];
      if (line->listed != shown(video, !line->entry.is_ok()) || line->stamp != stamp(video)) continue;
      found.insert_or_assign(place->second, std::move(line->entry));
    }
  }
  return found;
}

void ScanJournal::append(const std::string& line) {
  core::write_all(own_.get(), own_path_, (line + "\n").data(), line.size() + 1);
}

void ScanJournal::add(const ListedVideo& video, const std::string& stamp, const ManifestEntry& entry) {
  if (!own_.is_valid()) {
    own_path_ = free_name(folder_);
    own_ = core::open_for_writing(own_path_);
    append(header_);
  }
  append(write_line({shown(video, !entry.is_ok()), stamp, entry}));
}

void ScanJournal::remove() {
  std::error_code ignored;  // what stays is not read by another scan
  fs::remove_all(folder_, ignored);
}

}  // namespace permafrost::data
