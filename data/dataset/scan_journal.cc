#include "data/dataset/scan_journal.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <filesystem>
#include <nlohmann/json.hpp>

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

uint32_t checksum_of(const std::string& text) { return core::crc32c(text.data(), text.size()); }

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
    const Json first = lines.empty() ? Json() : Json::parse(lines.front(), nullptr, /*allow_exceptions=*/false);
    if (!first.is_object() || first.value("permafrost_scan", "") != identity_) continue;
    for (size_t i = 1; i < lines.size(); ++i) {
      const Json line = Json::parse(lines[i], nullptr, /*allow_exceptions=*/false);
      const std::string text = line.is_object() ? line.value("entry", "") : "";
      if (text.empty() || line.value("crc32c", uint32_t{0}) != checksum_of(text)) continue;  // cut short or damaged
      ManifestEntry entry = entries_from_text(text).front();
      if (line.at("changed_ns") == changed_at(entry)) found.insert_or_assign(line.at("place"), std::move(entry));
    }
  }
  return found;
}

void ScanJournal::open_own_file() {
  own_path_ = free_name(folder_);
  own_ = core::open_for_writing(own_path_);
  const std::string line = Json{{"permafrost_scan", identity_}}.dump() + "\n";
  core::write_all(own_.get(), own_path_, line.data(), line.size());
}

void ScanJournal::add(int64_t place, const ManifestEntry& entry) {
  if (!own_.is_valid()) open_own_file();
  const std::string text = entries_to_text({entry});
  const std::string line =
      Json{{"place", place}, {"changed_ns", changed_at(entry)}, {"crc32c", checksum_of(text)}, {"entry", text}}.dump() +
      "\n";
  core::write_all(own_.get(), own_path_, line.data(), line.size());
}

void ScanJournal::remove() {
  std::error_code ignored;  // what stays is not read by another scan
  fs::remove_all(folder_, ignored);
}

}  // namespace permafrost::data
