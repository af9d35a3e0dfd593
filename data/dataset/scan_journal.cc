#include "data/dataset/scan_journal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>

#include "core/base/checksum.h"
#include "core/base/error.h"
#include "data/dataset/csv.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

// Numbers of processes come again: the first name that nobody has taken.
std::string free_name(const std::string& folder) {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  const std::string stem = folder + "/" + host.data() + "-" + std::to_string(::getpid());
  std::string path = stem + ".jsonl";
  for (int i = 2; fs::exists(path); ++i) path = stem + "-" + std::to_string(i) + ".jsonl";
  return path;
}

struct JournalLine {
  int64_t place = 0;
  int64_t changed_ns = 0;
  ManifestEntry entry;
};

std::string header_line(const std::string& identity) { return Json{{"permafrost_scan", identity}}.dump(); }

// [checksum, [place, changed_ns, entry]]: the checksum is over the text of the second.
std::string write_line(const JournalLine& line) {
  const std::string text = Json{line.place, line.changed_ns, entries_to_text({line.entry})}.dump();
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

}  // namespace

std::string scan_identity(const std::string& root, const std::vector<ListedVideo>& listed, const ScanOptions& options) {
  core::Sha256 sha;
  const DecodeLimits& limits = options.limits;
  sha.update(Json{kManifestVersion, fs::weakly_canonical(root).string(), options.decode_to_end,
                  limits.max_pixels_per_frame, limits.max_duration_seconds, limits.max_packets}
                 .dump());
  for (const ListedVideo& video : listed) {
    sha.update(Json{video.id, video.path, video.label, video.split, video.start_seconds.value_or(-1),
                    video.end_seconds.value_or(-1), video.may_be_cut, video.reason}
                   .dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return sha.hex();
}

ScanJournal::ScanJournal(const std::string& manifest, std::string identity, std::string root)
    : folder_(manifest + ".scan"), identity_(std::move(identity)), root_(std::move(root)) {
  core::make_directories(folder_);
}

int64_t ScanJournal::changed_at(const ManifestEntry& entry) const {
  struct stat status {};
  if (entry.path.empty() || ::stat((fs::path(root_) / entry.path).c_str(), &status) != 0) return 0;
  return static_cast<int64_t>(status.st_mtim.tv_sec) * 1'000'000'000 + status.st_mtim.tv_nsec;
}

std::map<int64_t, ManifestEntry> ScanJournal::found() const {
  std::map<int64_t, ManifestEntry> found;
  std::error_code error;
  for (const fs::directory_entry& file : fs::directory_iterator(folder_, error)) {
    if (file.path().extension() != ".jsonl") continue;
    const std::vector<std::string> lines = lines_of(core::read_text(file.path().string(), uint64_t{4} << 30));
    if (lines.empty() || lines.front() != header_line(identity_)) continue;
    for (size_t i = 1; i < lines.size(); ++i) {
      std::optional<JournalLine> line = read_line(lines[i]);
      if (!line || line->changed_ns != changed_at(line->entry)) continue;
      found.insert_or_assign(line->place, std::move(line->entry));
    }
  }
  return found;
}

void ScanJournal::append(const std::string& line) {
  core::write_all(own_.get(), own_path_, (line + "\n").data(), line.size() + 1);
}

void ScanJournal::add(int64_t place, const ManifestEntry& entry) {
  if (!own_.is_valid()) {
    own_path_ = free_name(folder_);
    own_ = core::open_for_writing(own_path_);
    append(header_line(identity_));
  }
  append(write_line({place, changed_at(entry), entry}));
}

void ScanJournal::remove() {
  std::error_code ignored;  // what stays is not read by another scan
  fs::remove_all(folder_, ignored);
}

}  // namespace permafrost::data
