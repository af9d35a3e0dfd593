#include "data/dataset/merge.h"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <set>
#include <unordered_map>
#include <unordered_set>

#include "core/base/error.h"
#include "data/dataset/label_match.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

constexpr size_t kYoutubeIdLength = 11;

bool is_youtube_id(const std::string& text) {
  return text.size() == kYoutubeIdLength &&
         std::all_of(text.begin(), text.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

// Words, and words with a number: running_man, video_00001, IMG_0000001. Of random ids hardly one in a thousand is so.
bool is_like_a_name(const std::string& text) {
  const size_t digits = text.find_first_of("0123456789");
  if (digits == std::string::npos) return std::none_of(text.begin(), text.end(), ::isupper);
  return text.size() - digits >= 4 &&
         std::all_of(text.begin() + static_cast<std::ptrdiff_t>(digits), text.end(), ::isdigit);
}

// "_000001_000011"
bool is_part_suffix(const std::string& text) {
  if (text.size() != 14 || text[0] != '_' || text[7] != '_') return false;
  return std::count_if(text.begin(), text.end(), ::isdigit) == 12;
}

// One entry on its way: where it comes from, and what has become of it.
struct Candidate {
  size_t source = 0;
  ManifestEntry entry;
  std::string identity;
};

// What a rejected one was rejected for stays in its reason.
void leave_out(ManifestEntry& entry, const std::string& reason) {
  entry.reason = entry.is_ok() ? reason : reason + " (" + entry.reason + ")";
  entry.status = "rejected";
}

// By an earlier merge, or by a scan whose lists name it in two splits.
bool is_left_out(const ManifestEntry& entry) {
  return entry.reason.starts_with("duplicate:") || entry.reason.starts_with("held out:");
}

fs::path real_root(const Manifest& manifest) {
  return fs::weakly_canonical(fs::absolute(manifest.root.empty() ? "." : manifest.root));
}

fs::path common_root(const std::vector<MergeSource>& sources) {
  fs::path common = real_root(sources.front().manifest);
  for (const MergeSource& source : sources) {
    const fs::path other = real_root(source.manifest);
    const auto ends = std::mismatch(common.begin(), common.end(), other.begin(), other.end());
    fs::path shared;
    for (auto part = common.begin(); part != ends.first; ++part) shared /= *part;
    common = shared;
  }
  return common;
}

class Merger {
 public:
  Merger(const std::vector<MergeSource>& sources, const std::optional<LabelMap>& order, MergeReport& report)
      : sources_(sources), order_(order), report_(report) {}

  Manifest run() {
    collect();
    unify_labels();
    hold_out("val", {"train", "test"});
    hold_out("test", {"train"});
    remove_duplicates();
    require_disjoint();
    return finish();
  }

 private:
  SourceReport& report_of(const Candidate& candidate) { return report_.sources[candidate.source]; }
  const std::string& name_of(const Candidate& candidate) const { return sources_[candidate.source].name; }

  void collect();
  void unify_labels();
  void hold_out(const std::string& split, const std::set<std::string>& from);
  void remove_duplicates();
  void require_disjoint() const;
  Manifest finish();
  std::string united_name(const std::string& label) const;
  LabelMap label_map() const;
  void make_ids_unique();

  const std::vector<MergeSource>& sources_;
  const std::optional<LabelMap>& order_;
  MergeReport& report_;
  std::vector<Candidate> candidates_;
  std::set<std::string> known_;  // label names of all sources
};

void Merger::collect() {
  for (size_t i = 0; i < sources_.size(); ++i) {
    SourceReport report{.name = sources_[i].name};
    for (const ManifestEntry& entry : sources_[i].manifest.entries) {
      candidates_.push_back({i, entry, video_identity(sources_[i].manifest, entry)});
      ++report.entries;
      report.usable += entry.is_ok();
    }
    report_.sources.push_back(report);
  }
}

std::string Merger::united_name(const std::string& label) const {
  const std::string unified = unified_label(label);
  return known_.contains(unified) ? unified : label;
}

void Merger::unify_labels() {
  for (const MergeSource& source : sources_) {
    known_.insert(source.manifest.labels.names().begin(), source.manifest.labels.names().end());
  }
  for (Candidate& candidate : candidates_) {
    ManifestEntry& entry = candidate.entry;
    const auto place = order_ ? class_of(entry.label, *order_) : std::nullopt;
    const std::string label = place ? order_->names()[static_cast<size_t>(*place)] : united_name(entry.label);
    report_of(candidate).renamed += label != entry.label;
    if (order_ && !place && is_listed(entry)) {
      report_of(candidate).no_class += entry.is_ok();
      leave_out(entry, "no class: " + name_of(candidate) + ": '" + entry.label + "' is none of the labels given");
    }
    entry.label = label;
  }
}

// Whoever is named in `split` may not be in the splits `from`.
void Merger::hold_out(const std::string& split, const std::set<std::string>& from) {
  std::unordered_map<std::string, size_t> named;  // -> source
  for (const Candidate& candidate : candidates_) {
    if (candidate.entry.split == split && !is_left_out(candidate.entry))
      named.emplace(candidate.identity, candidate.source);
  }
  for (Candidate& candidate : candidates_) {
    if (!is_listed(candidate.entry) || !from.contains(candidate.entry.split)) continue;
    const auto by = named.find(candidate.identity);
    if (by == named.end()) continue;
    report_of(candidate).held_out += candidate.entry.is_ok();
    leave_out(candidate.entry, "held out: " + name_of(candidate) + ": a video of the split " + split + " of " +
                                   sources_[by->second].name);
  }
}

// Usable entries first, as one is kept before any that is not; of those of no use one stays, to be counted as listed.
void Merger::remove_duplicates() {
  std::unordered_map<std::string, const Candidate*> kept;
  std::unordered_set<std::string> in_conflict;
  for (const bool is_usable : {true, false}) {
    for (Candidate& candidate : candidates_) {
      if (candidate.entry.is_ok() != is_usable || !is_listed(candidate.entry)) continue;
      const auto [at, is_new] = kept.emplace(candidate.identity, &candidate);
      if (is_new) continue;
      if (is_usable && at->second->entry.label != candidate.entry.label) in_conflict.insert(candidate.identity);
      report_of(candidate).duplicates += is_usable;
      leave_out(candidate.entry, "duplicate: " + name_of(candidate) + ": kept as '" + at->second->entry.id + "' of " +
                                     name_of(*at->second));
    }
  }
  report_.conflicts = static_cast<int64_t>(in_conflict.size());
}

void Merger::require_disjoint() const {
  std::unordered_map<std::string, std::string> split_of;
  for (const Candidate& candidate : candidates_) {
    if (!candidate.entry.is_ok()) continue;
    const auto [at, is_new] = split_of.emplace(candidate.identity, candidate.entry.split);
    PERMAFROST_CHECK(is_new, candidate.identity + " is kept twice, in " + at->second + " and " + candidate.entry.split);
  }
}

LabelMap Merger::label_map() const {
  if (order_) return *order_;
  std::vector<std::string> names;
  for (const MergeSource& source : sources_) {
    for (const std::string& name : source.manifest.labels.names()) names.push_back(united_name(name));
  }
  return LabelMap::sorted(names);
}

// Entries of different data sets may bear one id and be different videos.
void Merger::make_ids_unique() {
  std::unordered_set<std::string> taken;
  for (Candidate& candidate : candidates_) {
    if (!candidate.entry.is_ok() || taken.insert(candidate.entry.id).second) continue;
    const std::string stem = fs::path(name_of(candidate)).stem().string() + "/" + candidate.entry.id;
    candidate.entry.id = stem;
    for (int i = 2; !taken.insert(candidate.entry.id).second; ++i) candidate.entry.id = stem + "#" + std::to_string(i);
  }
}

Manifest Merger::finish() {
  Manifest united;
  const fs::path root = common_root(sources_);
  united.root = root.string();
  united.labels = label_map();
  make_ids_unique();
  for (Candidate& candidate : candidates_) {
    ManifestEntry& entry = candidate.entry;
    const fs::path own_root = real_root(sources_[candidate.source].manifest);
    if (!entry.path.empty() && !fs::path(entry.path).is_absolute()) {
      entry.path = (own_root.lexically_relative(root) / entry.path).lexically_normal().string();
    }
    if (entry.is_ok()) {
      ++report_of(candidate).kept;
      ++report_.kept[entry.split];
    }
    united.entries.push_back(std::move(entry));
  }
  report_.classes = united.labels.size();
  return united;
}

}  // namespace

std::string video_identity(const Manifest& manifest, const ManifestEntry& entry) {
  const std::string last = fs::path(entry.id).filename().string();
  const std::string id = last.substr(0, kYoutubeIdLength);
  const std::string rest = last.size() > kYoutubeIdLength ? last.substr(kYoutubeIdLength) : "";
  const bool is_whole = is_part_suffix(rest) || (rest.empty() && !is_like_a_name(id));
  if (is_youtube_id(id) && is_whole) return "youtube:" + id;
  fs::path path = entry.path.empty() ? entry.id : entry.path;
  std::string file = (real_root(manifest) / path).lexically_normal().string();
  if (entry.start_seconds) file += "@" + std::to_string(*entry.start_seconds);
  if (entry.end_seconds) file += "-" + std::to_string(*entry.end_seconds);
  return "file:" + file;
}

Manifest merge_manifests(const std::vector<MergeSource>& sources, const std::optional<LabelMap>& order,
                         MergeReport& report) {
  if (sources.empty()) throw core::ConfigError("expected manifests to merge, found none");
  report = {};
  return Merger(sources, order, report).run();
}

}  // namespace permafrost::data
