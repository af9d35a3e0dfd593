// EPIC-Kitchens-100: one line for an action in a long video; the label is VERB/NOUN by the names of their classes.
#include <filesystem>
#include <map>

#include "core/base/error.h"
#include "core/base/file.h"
#include "data/dataset/csv.h"
#include "data/dataset/list_format.h"

namespace permafrost::data {
namespace {

namespace fs = std::filesystem;

using ClassNames = std::map<std::string, std::string>;  // by number

// EPIC_100_verb_classes.csv: id,key,...; beside the list or one folder up.
ClassNames read_classes(const std::string& list, const std::string& name) {
  const fs::path folder = fs::absolute(list).parent_path();
  for (const fs::path& file : {folder / name, folder.parent_path() / name}) {
    if (!fs::is_regular_file(file)) continue;
    const std::vector<std::string> lines = lines_of(core::read_text(file.string()));
    const CsvColumns columns(lines.empty() ? "" : lines.front());
    const std::string key = columns.first_of({"key", "class_key"});
    if (!columns.has("id") || key.empty()) throw core::DataError(file.string() + ": expected the columns id and key");
    ClassNames names;
    for (size_t i = 1; i < lines.size(); ++i) {
      if (const auto fields = csv_fields(lines[i])) names[columns.field(*fields, "id")] = columns.field(*fields, key);
    }
    return names;
  }
  throw core::DataError(list + ": its classes are numbers, expected their names in " + name +
                        " beside it: copy that file of the data set there");
}

struct Classes {
  ClassNames verbs, nouns;
};

std::string label_of(const std::vector<std::string>& fields, const CsvColumns& columns, const Classes& classes) {
  const auto verb = classes.verbs.find(columns.field(fields, "verb_class"));
  const auto noun = classes.nouns.find(columns.field(fields, "noun_class"));
  return verb == classes.verbs.end() || noun == classes.nouns.end() ? "" : verb->second + "/" + noun->second;
}

ListedVideo read_line(const std::string& line, const CsvColumns& columns, const Classes& classes,
                      const std::string& source, const ListInput& input) {
  if (const std::string why = why_not_text(line); !why.empty()) return bad_line(source, why);
  const auto fields = csv_fields(line);
  if (!fields) return bad_line(source, "a quote is opened and not closed");
  const std::string file = columns.field(*fields, "video_id");
  ListedVideo video;
  video.source = source;
  video.id = columns.field(*fields, "narration_id");
  video.split = input.split;
  video.start_seconds = seconds_of(columns.field(*fields, "start_timestamp"));
  video.end_seconds = seconds_of(columns.field(*fields, "stop_timestamp"));
  if (video.id.empty() || file.empty()) return bad_line(source, "expected a narration_id and a video_id");
  if (!why_hostile(file).empty()) reject(video, "hostile path", "'" + file + "' " + why_hostile(file));
  if (!video.start_seconds || !video.end_seconds || *video.start_seconds >= *video.end_seconds) {
    reject(video, "bad line", "expected start_timestamp < stop_timestamp as HH:MM:SS");
  }
  set_label(video, label_of(*fields, columns, classes), input);
  if (!video.is_rejected()) find_by_stem(video, {file}, input);
  return video;
}

}  // namespace

std::vector<ListedVideo> read_epic_list(const ListInput& input) {
  const CsvColumns columns(input.lines.empty() ? "" : input.lines.front());
  for (const char* needed : {"narration_id", "video_id", "start_timestamp", "stop_timestamp"}) {
    if (!columns.has(needed))
      throw core::DataError(input.path + ":1: an EPIC-Kitchens list has a column '" + needed + "'");
  }
  Classes classes;
  if (columns.has("verb_class") && columns.has("noun_class")) {  // the test list has none
    classes = {read_classes(input.path, "EPIC_100_verb_classes.csv"),
               read_classes(input.path, "EPIC_100_noun_classes.csv")};
  }
  std::vector<ListedVideo> videos;
  for (size_t i = 1; i < input.lines.size(); ++i) {
    const std::string line = trimmed(input.lines[i]);
    if (!line.empty()) videos.push_back(read_line(line, columns, classes, input.source(i), input));
  }
  return videos;
}

}  // namespace permafrost::data
