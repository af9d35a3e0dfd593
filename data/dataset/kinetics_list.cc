// Kinetics-400, 600, 700 and 700-2020 as DeepMind publishes them: label,youtube_id,time_start,time_end,split.
#include <algorithm>
#include <cctype>

#include "core/base/error.h"
#include "data/dataset/csv.h"
#include "data/dataset/list_format.h"

namespace permafrost::data {
namespace {

bool is_youtube_id(const std::string& id) {
  return !id.empty() && id.size() <= 64 &&
         std::all_of(id.begin(), id.end(), [](unsigned char c) { return std::isalnum(c) || c == '_' || c == '-'; });
}

void find_file(ListedVideo& video, const std::string& youtube_id, const ListInput& input) {
  const auto found = find_by_stem(video, {video.id, youtube_id}, input);
  const bool is_cut = found == 0;
  if (is_cut) video.start_seconds = video.end_seconds = std::nullopt;
  video.may_be_cut = found == 1;
}

ListedVideo read_line(const std::string& line, const CsvColumns& columns, const std::string& source,
                      const ListInput& input) {
  if (const std::string why = why_not_text(line); !why.empty()) return bad_line(source, why);
  const auto fields = csv_fields(line);
  if (!fields) return bad_line(source, "a quote is opened and not closed");
  ListedVideo video;
  video.source = source;
  const std::string youtube_id = columns.field(*fields, "youtube_id");
  const std::string split = columns.field(*fields, "split");
  video.id = youtube_id;
  video.split = columns.has("split") ? split_name(split) : input.split;
  video.start_seconds = seconds_of(columns.field(*fields, "time_start"));
  video.end_seconds = seconds_of(columns.field(*fields, "time_end"));
  if (!is_youtube_id(youtube_id)) {
    reject(video, "hostile path", "expected a youtube_id of letters, digits, _ and -, found '" + youtube_id + "'");
    return video;
  }
  if (video.split.empty()) reject(video, "bad line", "expected the split train, val or test, found '" + split + "'");
  if (!video.start_seconds || !video.end_seconds || *video.start_seconds >= *video.end_seconds) {
    reject(video, "bad line", "expected time_start < time_end in seconds");
  } else {
    video.id = youtube_id + part_suffix(*video.start_seconds, *video.end_seconds);
  }
  set_label(video, columns.field(*fields, "label"), input);
  if (!video.is_rejected()) find_file(video, youtube_id, input);
  return video;
}

}  // namespace

std::vector<ListedVideo> read_kinetics_list(const ListInput& input) {
  std::vector<ListedVideo> videos;
  CsvColumns columns;
  for (size_t i = 0; i < input.lines.size(); ++i) {
    const std::string line = trimmed(input.lines[i]);
    if (line.empty() || line.front() == '#') continue;
    if (!columns.has("youtube_id")) {
      columns = CsvColumns(line);
      for (const char* needed : {"youtube_id", "time_start", "time_end"}) {
        if (columns.has(needed)) continue;
        throw core::DataError(input.source(i) + ": the Kinetics header has no column '" + needed +
                              "', expected label,youtube_id,time_start,time_end,split");
      }
      continue;
    }
    videos.push_back(read_line(line, columns, input.source(i), input));
  }
  return videos;
}

}  // namespace permafrost::data
